package bench.peers;

import java.util.Arrays;

/**
 * All that is remembered of one patient: of every signal the last valid value and its time, and of every alarm
 * whether it is active, its onset and since when it has been well. The score's alarm is the last one.
 */
public final class PatientState {
    /** No such moment; times are ms since the epoch, never negative. */
    public static final long NEVER = -1;

    public double[] value;
    public long[] valueMs;

    /** Bit i: alarm i has been told and has not ended. */
    public long active;

    public long[] onsetMs;
    public long[] clearMs;

    /** The stretch of event time of the last scoring. */
    public long stretch = NEVER;

    /** For serialisers, which fill every field. */
    public PatientState() {}

    public PatientState(int alarms) {
        value = new double[Frame.SIGNALS.size()];
        valueMs = new long[Frame.SIGNALS.size()];
        onsetMs = new long[alarms];
        clearMs = new long[alarms];
        Arrays.fill(value, Double.NaN);
        Arrays.fill(valueMs, NEVER);
        Arrays.fill(onsetMs, NEVER);
        Arrays.fill(clearMs, NEVER);
    }

    boolean isActive(int alarm) {
        return (active & 1L << alarm) != 0;
    }

    void start(int alarm) {
        active |= 1L << alarm;
    }

    void rest(int alarm) {
        active &= ~(1L << alarm);
        onsetMs[alarm] = clearMs[alarm] = NEVER;
    }
}
