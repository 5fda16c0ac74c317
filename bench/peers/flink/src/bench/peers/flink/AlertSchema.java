package bench.peers.flink;

import bench.peers.Alert;
import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** An alert as a record of the alerts topic, keyed by patient. */
final class AlertSchema implements KafkaRecordSerializationSchema<Alert> {
    private final String topic;

    AlertSchema(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Alert alert, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(topic, alert.patient().getBytes(StandardCharsets.UTF_8), alert.encode());
    }
}
