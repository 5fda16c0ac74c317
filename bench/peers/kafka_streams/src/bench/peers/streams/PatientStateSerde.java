package bench.peers.streams;

import static bench.peers.PatientState.NEVER;

import bench.peers.PatientState;
import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** A patient's state as bytes: fixed fields, then onset and clear time of the alarms that have an onset. */
final class PatientStateSerde implements Serde<PatientState> {
    private final int alarms;

    PatientStateSerde(int alarms) {
        this.alarms = alarms;
    }

    @Override
    public Serializer<PatientState> serializer() {
        return (topic, state) -> state == null ? null : write(state);
    }

    @Override
    public Deserializer<PatientState> deserializer() {
        return (topic, bytes) -> bytes == null ? null : read(bytes);
    }

    private byte[] write(PatientState state) {
        long running = 0;
        for (int alarm = 0; alarm < alarms; alarm++) {
            if (state.onsetMs[alarm] != NEVER) {
                running |= 1L << alarm;
            }
        }
        int longs = 3 + 2 * state.value.length + 2 * Long.bitCount(running);
        ByteBuffer out = ByteBuffer.allocate(longs * Long.BYTES);
        out.putLong(state.stretch).putLong(state.active).putLong(running);
        for (int signal = 0; signal < state.value.length; signal++) {
            out.putDouble(state.value[signal]).putLong(state.valueMs[signal]);
        }
        for (long left = running; left != 0; left &= left - 1) {
            int alarm = Long.numberOfTrailingZeros(left);
            out.putLong(state.onsetMs[alarm]).putLong(state.clearMs[alarm]);
        }
        return out.array();
    }

    private PatientState read(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        PatientState state = new PatientState(alarms);
        state.stretch = in.getLong();
        state.active = in.getLong();
        long running = in.getLong();
        for (int signal = 0; signal < state.value.length; signal++) {
            state.value[signal] = in.getDouble();
            state.valueMs[signal] = in.getLong();
        }
        for (long left = running; left != 0; left &= left - 1) {
            int alarm = Long.numberOfTrailingZeros(left);
            state.onsetMs[alarm] = in.getLong();
            state.clearMs[alarm] = in.getLong();
        }
        return state;
    }
}
