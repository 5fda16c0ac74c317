package bench.peers;

/**
 * NEWS2 of the four parameters that the bench's frames carry; what is not measured scores 0.
 *
 * <p>Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017, charts 1 and 2.
 */
final class News2 {
    /** Above the error of a float, far below a step of the chart: 94.5 counts as the half it is written as. */
    private static final double HALF_UP_SLACK = 1e-6;

    private static final int RED_POINTS = 3; // chart 2: 3 in a single parameter, low-medium risk
    private static final int MEDIUM_FROM = 5; // chart 2: 5-6 urgent response threshold
    private static final int HIGH_FROM = 7; // chart 2: 7 or more emergency response threshold

    // Chart 1: a reading up to and including UPTO[i] scores POINTS[i], one above the last edge the last points.
    private static final int[] RESP_UPTO = {8, 11, 20, 24};
    private static final int[] RESP_POINTS = {3, 1, 0, 2, 3};
    private static final int[] SPO2_UPTO = {91, 93, 95};
    private static final int[] SPO2_POINTS = {3, 2, 1, 0};
    private static final int[] SYSTOLIC_UPTO = {90, 100, 110, 219};
    private static final int[] SYSTOLIC_POINTS = {3, 2, 1, 0, 3};
    private static final int[] PULSE_UPTO = {40, 50, 90, 110, 130};
    private static final int[] PULSE_POINTS = {3, 1, 0, 1, 2, 3};

    private static final int HR = Frame.SIGNALS.indexOf("hr");
    private static final int PULSE = Frame.SIGNALS.indexOf("pulse");
    private static final int SPO2 = Frame.SIGNALS.indexOf("spo2");
    private static final int RESP = Frame.SIGNALS.indexOf("resp");
    private static final int SYSTOLIC = Frame.SIGNALS.indexOf("abp_sys");

    /** How many of the parameters have a value, their points together, and the most of one. */
    int inputs;
    int total;
    int highest;

    /** Scores a patient's last values; NaN is missing. */
    void score(double[] value) {
        inputs = total = highest = 0;
        add(value[RESP], RESP_UPTO, RESP_POINTS);
        add(value[SPO2], SPO2_UPTO, SPO2_POINTS);
        add(value[SYSTOLIC], SYSTOLIC_UPTO, SYSTOLIC_POINTS);
        add(Double.isNaN(value[PULSE]) ? value[HR] : value[PULSE], PULSE_UPTO, PULSE_POINTS);
    }

    /** The risk band: 0 low, 1 low-medium, 2 medium, 3 high. */
    int level() {
        if (total >= HIGH_FROM) {
            return 3;
        }
        if (total >= MEDIUM_FROM) {
            return 2;
        }
        return highest >= RED_POINTS ? 1 : 0;
    }

    private void add(double reading, int[] upto, int[] points) {
        if (Double.isNaN(reading)) {
            return;
        }
        double step = Math.floor(reading + 0.5 + HALF_UP_SLACK);
        int band = 0;
        while (band < upto.length && step > upto[band]) {
            band++;
        }
        inputs++;
        total += points[band];
        highest = Math.max(highest, points[band]);
    }
}
