// A device that sends with Apache Kafka's own Java client: SendJava TOPIC EVERY_MS KEYS SETTING=VALUE ...
// It does and says what device_protocol.py describes.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Properties;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class SendJava {
    static final long DAY_MS = 86_400_000L;
    static final Set<String> open = ConcurrentHashMap.newKeySet();
    static KafkaProducer<byte[], byte[]> producer;
    static String topic;

    public static void main(String[] arguments) throws Exception {
        topic = arguments[0];
        long everyMs = Long.parseLong(arguments[1]);
        String[] keys = arguments[2].split(",");
        Properties settings = new Properties();
        for (int i = 3; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        Queue<String> commands = new ConcurrentLinkedQueue<>();
        Thread listener = new Thread(() -> listen(commands));
        listener.setDaemon(true);
        listener.start();
        int number = 0;
        while (!commands.contains("stop")) {
            if (commands.remove("refuse")) {
                send("\"large\"", keys[0], new byte[300_000], null);
                send("\"ahead\"", keys[0], "ahead".getBytes(), System.currentTimeMillis() + DAY_MS);
            }
            String text = Integer.toString(number);
            send(text, keys[number % keys.length], text.getBytes(), null);
            number++;
            Thread.sleep(everyMs);
        }
        long until = System.currentTimeMillis() + 10_000;
        while (!open.isEmpty() && System.currentTimeMillis() < until) {
            Thread.sleep(50);
        }
        say("\"open\": " + open.size());
        Runtime.getRuntime().halt(0);
    }

    static void listen(Queue<String> commands) {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                commands.add(line.strip());
            }
        } catch (java.io.IOException closed) {
            // as at the end of the input
        }
        commands.add("stop");
    }

    static void send(String name, String key, byte[] value, Long tsMs) {
        open.add(name);
        try {
            producer.send(
                    new ProducerRecord<>(topic, null, tsMs, key.getBytes(), value),
                    (metadata, error) -> settle(name, error));
        } catch (RuntimeException error) {
            settle(name, error);
        }
    }

    static void settle(String name, Exception error) {
        open.remove(name);
        String said = error == null ? "null" : "\"" + error.getClass().getSimpleName() + "\"";
        say("\"number\": " + name + ", \"error\": " + said);
    }

    static synchronized void say(String what) {
        System.out.printf("{%s, \"at_s\": %.3f}%n", what, System.currentTimeMillis() / 1000.0);
        System.out.flush();
    }
}
