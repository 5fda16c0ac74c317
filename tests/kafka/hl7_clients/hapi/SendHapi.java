// A hospital system that sends with HAPI: SendHapi PORT TIMEOUT_MS CHARSET
// Each line of standard input is a message in base64. Each line of output is what HAPI's client returned for it:
// MSA-1 and MSA-2 of the answer, or the kind of the exception.

import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.llp.MinLowerLayerProtocol;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.parser.Parser;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

public class SendHapi {
    public static void main(String[] arguments) throws Exception {
        HapiContext context = new DefaultHapiContext();
        context.setValidationContext(ValidationContextFactory.noValidation());
        if (!arguments[2].equals("default")) {
            MinLowerLayerProtocol protocol = new MinLowerLayerProtocol();
            protocol.setCharset(Charset.forName(arguments[2]));
            context.setLowerLayerProtocol(protocol);
        }
        Parser parser = context.getPipeParser();
        Connection connection = context.newClient("127.0.0.1", Integer.parseInt(arguments[0]), false);
        connection.getInitiator().setTimeout(Long.parseLong(arguments[1]), TimeUnit.MILLISECONDS);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String text = new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8);
            System.out.println(send(connection, parser, text));
        }
        connection.close();
        context.close();
        System.exit(0);
    }

    static String send(Connection connection, Parser parser, String text) {
        try {
            Message answer = connection.getInitiator().sendAndReceive(parser.parse(text));
            Terser terser = new Terser(answer);
            return terser.get("/.MSA-1") + " " + terser.get("/.MSA-2");
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }
}
