package bench.peers.flink;

import bench.peers.Alert;
import bench.peers.Spec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.ProducerConfig;

/** Frames to alerts in a local cluster in this process; works until SIGTERM. README.md gives the reasons. */
public final class Main {
    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(10);
    private static final Duration BUFFER_TIMEOUT = Duration.ofMillis(5);

    /** A file of this name in the state's folder asks to stop with a savepoint; the local cluster has no other door. */
    private static final String STOP = "stop-with-savepoint";

    private static final Duration STOP_POLL = Duration.ofMillis(50);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Spec spec = Spec.load(arguments[0]);
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(spec.threads, settings(spec));
        environment
                .fromSource(source(spec), WatermarkStrategy.noWatermarks(), "readings")
                .uid("readings")
                .keyBy(reading -> reading.f0)
                .process(new Monitor(spec))
                .uid("monitor")
                .sinkTo(sink(spec))
                .uid("alerts");
        JobClient job = environment.executeAsync(spec.group);
        CompletableFuture<JobExecutionResult> ended = job.getJobExecutionResult();
        Path stop = Path.of(spec.stateDir, STOP);
        while (!ended.isDone()) {
            if (Files.exists(stop)) {
                stop(job, spec);
                Files.delete(stop);
                System.exit(0);
            }
            Thread.sleep(STOP_POLL.toMillis());
        }
        ended.get(); // says what went wrong
        System.exit(1); // the readings never end: it has stopped by itself
    }

    /** As {@code flink stop} does: every alert before the savepoint is written, and none after it. */
    private static void stop(JobClient job, Spec spec) throws Exception {
        String folder = Path.of(spec.stateDir, "savepoints").toUri().toString();
        job.stopWithSavepoint(false, folder, SavepointFormatType.CANONICAL).get(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }

    private static KafkaSource<Tuple2<String, byte[]>> source(Spec spec) {
        return KafkaSource.<Tuple2<String, byte[]>>builder()
                .setBootstrapServers(spec.brokers)
                .setGroupId(spec.group)
                .setTopics(spec.readings)
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(new ReadingSchema())
                .build();
    }

    private static KafkaSink<Alert> sink(Spec spec) {
        return KafkaSink.<Alert>builder()
                .setBootstrapServers(spec.brokers)
                .setRecordSerializer(new AlertSchema(spec.alerts))
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setProperty(ProducerConfig.ACKS_CONFIG, "all")
                .setProperty(ProducerConfig.LINGER_MS_CONFIG, "1")
                .build();
    }

    private static Configuration settings(Spec spec) throws IOException {
        Path checkpoints = Files.createDirectories(Path.of(spec.stateDir, "checkpoints"));
        Configuration settings = new Configuration();
        settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINT_INTERVAL);
        settings.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
        settings.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        newest(Path.of(spec.stateDir)).ifPresent(path -> settings.set(StateRecoveryOptions.SAVEPOINT_PATH, path.toUri().toString()));
        settings.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        settings.set(PipelineOptions.OBJECT_REUSE, true);
        settings.set(PipelineOptions.GENERIC_TYPES, false);
        settings.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ZERO);
        settings.set(ExecutionOptions.BUFFER_TIMEOUT, BUFFER_TIMEOUT);
        settings.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ZERO);
        settings.set(CoreOptions.TMP_DIRS, spec.stateDir);
        return settings;
    }

    /** The newest complete checkpoint or savepoint that an earlier process left here. */
    private static Optional<Path> newest(Path state) throws IOException {
        try (Stream<Path> files = Files.find(state, 4, (path, about) -> path.endsWith("_metadata"))) {
            return files.max(Comparator.comparingLong(path -> path.toFile().lastModified())).map(Path::getParent);
        }
    }
}
