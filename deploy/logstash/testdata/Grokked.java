import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.elasticsearch.grok.Grok;
import org.elasticsearch.grok.GrokBuiltinPatterns;

/**
 * Takes lines apart with Elastic's own grok and patterns of ECS. The first line of standard input is the pattern of
 * the message, the second that of url.original; each other line is a message. For each one a line of fields comes
 * back, NAME US VALUE RS; an empty one where the pattern does not match.
 */
public class Grokked {
    public static void main(String[] args) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        var patterns = GrokBuiltinPatterns.get(true);
        var message = new Grok(patterns, in.readLine(), warning -> {});
        var url = new Grok(patterns, in.readLine(), warning -> {});
        for (String line; (line = in.readLine()) != null;) {
            Map<String, Object> fields = message.captures(line);
            if (fields != null) {
                print(out, fields);
                var original = fields.get("url.original");
                var parts = original == null ? null : url.captures(original.toString());
                if (parts != null) {
                    print(out, parts);
                }
            }
            out.println();
        }
        out.flush();
    }

    static void print(PrintStream out, Map<String, Object> fields) {
        fields.forEach((name, value) -> out.print(name + "\u001f" + value + "\u001e"));
    }
}
