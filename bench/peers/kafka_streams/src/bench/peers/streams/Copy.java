package bench.peers.streams;

import bench.peers.Spec;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.Topology;

/** Copies {@code readings} to {@code alerts}, another topic of frames, by key; works until SIGTERM. */
public final class Copy {
    private Copy() {}

    public static void main(String[] arguments) throws Exception {
        Spec spec = Spec.load(arguments[0]);
        Topology topology = new Topology()
                .addSource("from", new ByteArrayDeserializer(), new ByteArrayDeserializer(), spec.readings)
                .addSink("to", spec.alerts, new ByteArraySerializer(), new ByteArraySerializer(), "from");
        Main.run(topology, Main.settings(spec));
    }
}
