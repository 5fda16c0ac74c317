package bench.peers.flink;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** A record as patient and undecoded frame; what is not a frame by its key is left out. */
final class ReadingSchema implements KafkaRecordDeserializationSchema<Tuple2<String, byte[]>> {
    private static final byte NOT_A_FRAME = '~';

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<String, byte[]>> out) {
        byte[] key = record.key();
        if (key != null && key.length > 0 && key[0] != NOT_A_FRAME && record.value() != null) {
            out.collect(Tuple2.of(new String(key, StandardCharsets.UTF_8), record.value()));
        }
    }

    @Override
    public TypeInformation<Tuple2<String, byte[]>> getProducedType() {
        return Types.TUPLE(Types.STRING, Types.PRIMITIVE_ARRAY(Types.BYTE));
    }
}
