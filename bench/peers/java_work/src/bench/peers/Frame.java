package bench.peers;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.annotation.JSONField;
import java.util.List;

/** What one device measured of one patient at one moment. */
public final class Frame {
    public static final List<String> SIGNALS =
            List.of("hr", "pulse", "spo2", "resp", "abp_sys", "abp_dia", "abp_mean");

    /** A signal that the frame does not carry; NaN is one that is attached without a valid reading. */
    public static final double ABSENT = Double.NEGATIVE_INFINITY;

    public String patient;
    public String device;
    public long boot;
    public long seq;

    @JSONField(name = "event_ts_ms")
    public long eventTsMs = -1;

    @JSONField(name = "interval_ms")
    public long intervalMs = 1000;

    public Double hr = ABSENT;
    public Double pulse = ABSENT;
    public Double spo2 = ABSENT;
    public Double resp = ABSENT;

    @JSONField(name = "abp_sys")
    public Double abpSys = ABSENT;

    @JSONField(name = "abp_dia")
    public Double abpDia = ABSENT;

    @JSONField(name = "abp_mean")
    public Double abpMean = ABSENT;

    /** Decodes a record's value; null when it is no frame. */
    public static Frame decode(byte[] json) {
        try {
            Frame frame = JSON.parseObject(json, Frame.class);
            return frame == null || frame.patient == null || frame.eventTsMs < 0 ? null : frame;
        } catch (RuntimeException error) { // of broken JSON fastjson2 also throws what its own reading runs into
            return null;
        }
    }

    /** Puts the readings into {@code into}, in the order of {@link #SIGNALS}. */
    public void readings(double[] into) {
        into[0] = orNaN(hr);
        into[1] = orNaN(pulse);
        into[2] = orNaN(spo2);
        into[3] = orNaN(resp);
        into[4] = orNaN(abpSys);
        into[5] = orNaN(abpDia);
        into[6] = orNaN(abpMean);
    }

    private static double orNaN(Double reading) {
        return reading == null ? Double.NaN : reading;
    }
}
