package bench.peers.streams;

import bench.peers.Alert;
import bench.peers.Frame;
import bench.peers.Judge;
import bench.peers.PatientState;
import bench.peers.Spec;
import java.util.Set;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Judges frames one by one; keeps the patients of one partition in a store. */
final class Monitor implements Processor<Bytes, byte[], Bytes, byte[]> {
    private static final String STORE = "patients";
    private static final byte NOT_A_FRAME = '~';

    private final Judge judge;
    private ProcessorContext<Bytes, byte[]> context;
    private KeyValueStore<Bytes, PatientState> patients;
    private Sensor undecodable;

    private Monitor(Spec spec) {
        judge = new Judge(spec);
    }

    /** One for every task, with the store that they have in common. */
    static ProcessorSupplier<Bytes, byte[], Bytes, byte[]> of(Spec spec) {
        StoreBuilder<KeyValueStore<Bytes, PatientState>> store = Stores.keyValueStoreBuilder(
                        Stores.inMemoryKeyValueStore(STORE),
                        Serdes.Bytes(),
                        new PatientStateSerde(spec.limits.length + 1))
                .withCachingEnabled();
        return new ProcessorSupplier<>() {
            @Override
            public Processor<Bytes, byte[], Bytes, byte[]> get() {
                return new Monitor(spec);
            }

            @Override
            public Set<StoreBuilder<?>> stores() {
                return Set.of(store);
            }
        };
    }

    @Override
    public void init(ProcessorContext<Bytes, byte[]> context) {
        this.context = context;
        patients = context.getStateStore(STORE);
        undecodable = context.metrics()
                .addRateTotalSensor("peer", context.taskId().toString(), "undecodable", Sensor.RecordingLevel.INFO);
    }

    @Override
    public void process(Record<Bytes, byte[]> record) {
        Bytes patient = record.key();
        if (patient == null || patient.get().length == 0 || patient.get()[0] == NOT_A_FRAME) {
            return;
        }
        Frame frame = Frame.decode(record.value());
        if (frame == null) {
            undecodable.record();
            return;
        }
        PatientState state = patients.get(patient);
        if (state == null) {
            state = judge.newPatient();
        }
        judge.judge(state, frame, alert -> tell(patient, alert, record));
        patients.put(patient, state);
    }

    private void tell(Bytes patient, Alert alert, Record<Bytes, byte[]> cause) {
        context.forward(cause.withKey(patient).withValue(alert.encode()));
    }
}
