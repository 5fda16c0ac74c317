package bench.peers.streams;

import bench.peers.Spec;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.BytesDeserializer;
import org.apache.kafka.common.serialization.BytesSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** Frames to alerts with the Processor API; works until SIGTERM. README.md gives the reasons of every setting. */
public final class Main {
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(8);
    private static final Duration COMMIT_INTERVAL = Duration.ofSeconds(10);
    private static final long CACHE_BYTES = 256L << 20;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Spec spec = Spec.load(arguments[0]);
        run(topology(spec), settings(spec));
    }

    /** Runs a topology until SIGTERM, or until it has failed. */
    static void run(Topology topology, Properties settings) throws InterruptedException {
        KafkaStreams streams = new KafkaStreams(topology, settings);
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                ended.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE_TIMEOUT)));
        streams.start();
        ended.await();
        System.exit(1);
    }

    private static Topology topology(Spec spec) {
        return new Topology()
                .addSource("readings", new BytesDeserializer(), new ByteArrayDeserializer(), spec.readings)
                .addProcessor("monitor", Monitor.of(spec), "readings")
                .addSink("alerts", spec.alerts, new BytesSerializer(), new ByteArraySerializer(), "monitor");
    }

    static Properties settings(Spec spec) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, spec.group);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, spec.brokers);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, spec.stateDir);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, spec.threads);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_INTERVAL.toMillis());
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
        settings.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, spec.standbys);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.METADATA_MAX_AGE_CONFIG), spec.metadataAgeMs);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 1);
        return settings;
    }
}
