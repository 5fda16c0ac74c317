package bench.peers;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONReader;
import com.alibaba.fastjson2.annotation.JSONField;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;

/** The order of one run, as {@code bench/peers/spec.py} writes it; a missing limit is an infinity. */
public final class Spec implements Serializable {
    public String brokers;
    public String readings;
    public String alerts;
    public String group;
    public int partitions;

    @JSONField(name = "state_dir")
    public String stateDir;

    public int threads;
    public Limit[] limits;
    public Score news2;
    public int standbys;

    @JSONField(name = "metadata_age_ms")
    public long metadataAgeMs;

    /** A limit alarm on one signal, in the signal's unit; times in ms. */
    public static final class Limit implements Serializable {
        public String id;
        public String signal;
        public Double low;
        public Double high;

        @JSONField(name = "delay_ms")
        public long delayMs;

        @JSONField(name = "clear_margin")
        public double clearMargin;

        @JSONField(name = "clear_delay_ms")
        public long clearDelayMs;
    }

    /** The score alarm; times in ms. */
    public static final class Score implements Serializable {
        public String id;

        @JSONField(name = "inputs_min")
        public int inputsMin;

        @JSONField(name = "delay_ms")
        public long delayMs;

        @JSONField(name = "every_ms")
        public long everyMs;
    }

    /** Reads SPEC.json. A field that is unknown is an error: a run must not differ silently from its order. */
    public static Spec load(String path) throws IOException {
        byte[] text = Files.readAllBytes(Path.of(path));
        return JSON.parseObject(text, Spec.class, JSONReader.Feature.ErrorOnUnknownProperties);
    }
}
