#!/usr/bin/env bash
# HAPI's client, where a server sends CA and AA for a message that asks for both: which one it hands back is chance.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>x</groupId><artifactId>x</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>ca.uhn.hapi</groupId><artifactId>hapi-base</artifactId><version>2.6.0</version></dependency>
    <dependency>
      <groupId>ca.uhn.hapi</groupId><artifactId>hapi-structures-v26</artifactId><version>2.6.0</version>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
mvn --batch-mode --quiet dependency:copy-dependencies -DoutputDirectory=lib
cat > Race.java <<'JAVA'
import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.util.Terser;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.TreeMap;

public class Race {
    static String block(String code, int id) {
        return "\013MSH|^~\\&|S|S|C|C|20261129153000||ACK^R01^ACK|" + code + id + "|P|2.6\rMSA|" + code + "|" + id + "\r\034\r";
    }

    static void serve(ServerSocket port) {
        try (Socket socket = port.accept()) {
            InputStream in = socket.getInputStream();
            int id = 0;
            for (int one = in.read(); one >= 0; one = in.read()) {
                if (one == 0x1c) {
                    id++;
                    socket.getOutputStream().write((block("CA", id) + block("AA", id)).getBytes());
                }
            }
        } catch (Exception error) {
            System.out.println(error);
        }
    }

    public static void main(String[] arguments) throws Exception {
        ServerSocket port = new ServerSocket(0);
        Thread server = new Thread(() -> serve(port));
        server.setDaemon(true);
        server.start();
        DefaultHapiContext context = new DefaultHapiContext();
        Connection connection = context.newClient("127.0.0.1", port.getLocalPort(), false);
        TreeMap<String, Integer> seen = new TreeMap<>();
        for (int id = 1; id <= 500; id++) {
            String text = "MSH|^~\\&|C|C|S|S|20261129153000||ORU^R01^ORU_R01|" + id + "|P|2.6|||AL|AL\rPID|||1\r";
            Message answer = connection.getInitiator().sendAndReceive(context.getPipeParser().parse(text));
            seen.merge(new Terser(answer).get("/.MSA-1"), 1, Integer::sum);
        }
        System.out.println("HAPI 2.6.0: 500 messages with MSH-15 AL and MSH-16 AL, each answered by CA and AA in one write");
        System.out.println("expected: always the same one of the two (the commit, or what the application said)");
        System.out.println("seen: " + seen);
        System.exit(seen.size() == 2 ? 0 : 1);
    }
}
JAVA
java -cp "lib/*" Race.java
