package bench.peers;

import static bench.peers.PatientState.NEVER;

import java.util.function.Consumer;

/** The work on one frame: limit rules with delays, then the score. Used by one thread. */
public final class Judge {
    /** One bit of a long is the score's. */
    public static final int LIMITS_MAX = Long.SIZE - 1;

    private final Spec.Score score;
    private final String[] id;
    private final int[] signal;
    private final double[] low;
    private final double[] high;
    private final double[] insideLow;
    private final double[] insideHigh;
    private final long[] delayMs;
    private final long[] clearDelayMs;
    private final double[] reading = new double[Frame.SIGNALS.size()];
    private final News2 news2 = new News2();

    public Judge(Spec spec) {
        int rules = spec.limits.length;
        if (rules > LIMITS_MAX) {
            throw new IllegalArgumentException(rules + " limits, at most " + LIMITS_MAX + " are supported");
        }
        score = spec.news2;
        id = new String[rules];
        signal = new int[rules];
        low = new double[rules];
        high = new double[rules];
        insideLow = new double[rules];
        insideHigh = new double[rules];
        delayMs = new long[rules];
        clearDelayMs = new long[rules];
        for (int rule = 0; rule < rules; rule++) {
            Spec.Limit limit = spec.limits[rule];
            id[rule] = limit.id;
            signal[rule] = Frame.SIGNALS.indexOf(limit.signal);
            low[rule] = limit.low == null ? Double.NEGATIVE_INFINITY : limit.low;
            high[rule] = limit.high == null ? Double.POSITIVE_INFINITY : limit.high;
            insideLow[rule] = low[rule] + limit.clearMargin;
            insideHigh[rule] = high[rule] - limit.clearMargin;
            delayMs[rule] = limit.delayMs;
            clearDelayMs[rule] = limit.clearDelayMs;
        }
    }

    /** A patient of whom nothing is known. */
    public PatientState newPatient() {
        return new PatientState(id.length + 1);
    }

    /** Judges one frame, makes it part of the patient's state and tells every start and end. */
    public void judge(PatientState state, Frame frame, Consumer<Alert> tell) {
        frame.readings(reading);
        long nowMs = frame.eventTsMs;
        for (int rule = 0; rule < id.length; rule++) {
            double value = reading[signal[rule]];
            if (value > Frame.ABSENT) { // false for NaN
                judgeLimit(state, rule, value, frame, tell);
            }
        }
        for (int i = 0; i < reading.length; i++) {
            if (reading[i] > Frame.ABSENT) { // false for NaN
                state.value[i] = reading[i];
                state.valueMs[i] = nowMs;
            }
        }
        long stretch = nowMs / score.everyMs;
        if (stretch != state.stretch) {
            state.stretch = stretch;
            judgeScore(state, frame, tell);
        }
    }

    private void judgeLimit(PatientState state, int rule, double value, Frame frame, Consumer<Alert> tell) {
        if (value < low[rule] || value > high[rule]) {
            violated(state, rule, delayMs[rule], id[rule], value, frame, tell);
        } else if (state.onsetMs[rule] != NEVER) {
            if (value >= insideLow[rule] && value <= insideHigh[rule]) {
                well(state, rule, clearDelayMs[rule], id[rule], value, frame, tell);
            } else {
                state.clearMs[rule] = NEVER;
            }
        }
    }

    private void judgeScore(PatientState state, Frame frame, Consumer<Alert> tell) {
        news2.score(state.value);
        if (news2.inputs < Math.max(score.inputsMin, 1)) {
            return;
        }
        int alarm = id.length;
        if (news2.level() > 0) {
            violated(state, alarm, score.delayMs, score.id, news2.total, frame, tell);
        } else if (state.isActive(alarm)) {
            well(state, alarm, score.delayMs, score.id, news2.total, frame, tell);
        } else if (state.onsetMs[alarm] != NEVER) {
            state.rest(alarm);
        }
    }

    /** A sample outside: the first one is the onset, the first one a delay after it or later is the start. */
    private static void violated(
            PatientState state, int alarm, long delayMs, String rule, double value, Frame frame, Consumer<Alert> tell) {
        long nowMs = frame.eventTsMs;
        state.clearMs[alarm] = NEVER;
        if (state.onsetMs[alarm] == NEVER) {
            state.onsetMs[alarm] = nowMs;
        }
        if (!state.isActive(alarm) && nowMs - state.onsetMs[alarm] >= delayMs) {
            state.start(alarm);
            tell.accept(new Alert(frame.patient, rule, "start", state.onsetMs[alarm], nowMs, value));
        }
    }

    /** A sample inside of a run: when such have come for the delay the run is over. */
    private static void well(
            PatientState state, int alarm, long delayMs, String rule, double value, Frame frame, Consumer<Alert> tell) {
        long nowMs = frame.eventTsMs;
        if (state.clearMs[alarm] == NEVER) {
            state.clearMs[alarm] = nowMs;
        }
        if (nowMs - state.clearMs[alarm] >= delayMs) {
            if (state.isActive(alarm)) {
                tell.accept(new Alert(frame.patient, rule, "end", state.onsetMs[alarm], nowMs, value));
            }
            state.rest(alarm);
        }
    }
}
