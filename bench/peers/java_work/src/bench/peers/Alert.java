package bench.peers;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.annotation.JSONField;

/** The start or end of an alarm, as it goes to the alerts topic. */
public record Alert(
        String patient,
        String rule,
        String phase,
        @JSONField(name = "onset_ts_ms") long onsetTsMs,
        @JSONField(name = "event_ts_ms") long eventTsMs,
        double value) {

    public byte[] encode() {
        return JSON.toJSONBytes(this);
    }
}
