package bench.peers.flink;

import bench.peers.Alert;
import bench.peers.Frame;
import bench.peers.Judge;
import bench.peers.PatientState;
import bench.peers.Spec;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Decodes and judges frames one by one; keeps each patient in keyed state. */
final class Monitor extends KeyedProcessFunction<String, Tuple2<String, byte[]>, Alert> {
    private final Spec spec;
    private transient Judge judge;
    private transient ValueState<PatientState> patient;
    private transient Counter undecodable;

    Monitor(Spec spec) {
        this.spec = spec;
    }

    @Override
    public void open(OpenContext context) {
        judge = new Judge(spec);
        patient = getRuntimeContext().getState(new ValueStateDescriptor<>("patient", PatientState.class));
        undecodable = getRuntimeContext().getMetricGroup().counter("undecodable");
    }

    @Override
    public void processElement(Tuple2<String, byte[]> reading, Context context, Collector<Alert> alerts)
            throws Exception {
        Frame frame = Frame.decode(reading.f1);
        if (frame == null) {
            undecodable.inc();
            return;
        }
        PatientState state = patient.value();
        if (state == null) {
            state = judge.newPatient();
        }
        judge.judge(state, frame, alerts::collect);
        patient.update(state);
    }
}
