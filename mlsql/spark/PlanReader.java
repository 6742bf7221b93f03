// Compiled by Janino, which ships inside Spark, and used in the driver alone. Janino knows no type
// arguments of methods. Spark's own TreeNode.toJSON leaves out maps, URIs and options, where attacks hide.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry$;
import org.apache.spark.sql.catalyst.analysis.TableFunctionRegistry$;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.OuterReference;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.trees.Origin;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.execution.CommandExecutionMode;
import org.apache.spark.sql.execution.command.CreateSQLFunctionCommand;
import org.apache.spark.sql.internal.SessionState;
import org.apache.spark.sql.types.DataType;
import scala.Option;
import scala.Product;
import scala.collection.Iterable;
import scala.collection.Iterator;
import scala.collection.Map;
import scala.collection.Seq;
import scala.collection.mutable.ListBuffer;

/**
 * Tells as JSON the plan that Spark's parser makes of a query, before anything is looked up: a list of
 * its nodes, each with all that it holds and before those that it holds, which stand in it by their
 * places in the list. What has no form here is told as opaque, with its class, and never left out.
 */
public final class PlanReader {
    private static final String SPARK = "org.apache.spark.sql.";

    /** The plan of a query; fails as the parser of the session does. */
    public String read(SessionState state, String query) throws Exception {
        Writing writing = new Writing(state);
        writing.write(state.sqlParser().parsePlan(query));
        return writing.nodes.toString();
    }

    /**
     * The columns of tables of the catalog that a query uses: a list of pairs, the parts of a table's name
     * and its columns. Nothing is run; what cannot be told apart counts as used.
     */
    public String columns(SessionState state, String query) throws Exception {
        LogicalPlan plan = state.sqlParser().parsePlan(query);
        Using using = new Using();
        using.see(state.executePlan(plan, CommandExecutionMode.SKIP()).analyzed(), false);
        Writing writing = new Writing(state);
        writing.write(using.tables());
        return writing.json.toString();
    }

    /** What of each table the nodes above it refer to, or let through to the outcome. */
    private static final class Using {
        private static final List CHOOSE = Arrays.asList(new Object[]{"Project", "Aggregate"});
        private static final List LET_THROUGH = Arrays.asList(new Object[]{
            "Filter", "Sort", "GlobalLimit", "LocalLimit", "Offset", "Join", "LateralJoin", "SubqueryAlias",
            "Generate", "Window", "Sample", "View", "Repartition", "RepartitionByExpression", "ResolvedHint"});

        private final ArrayList aliases = new ArrayList();
        private final HashSet wholes = new HashSet();
        private final HashSet used = new HashSet();

        /** Look at a plan of which the nodes above have, or have not, chosen columns by name. */
        void see(LogicalPlan node, boolean isChosen) {
            String type = node.getClass().getSimpleName();
            if (node instanceof SubqueryAlias && ((SubqueryAlias) node).identifier().qualifier().length() > 0) {
                if (!isChosen) wholes.add(new Integer(aliases.size()));
                aliases.add(node);
            }
            if (node.children().length() == 0) return;
            for (Iterator each = node.expressions().iterator(); each.hasNext();) see((Expression) each.next());
            boolean isChosenBelow = CHOOSE.contains(type) || (isChosen && LET_THROUGH.contains(type));
            for (Iterator each = node.children().iterator(); each.hasNext();) {
                see((LogicalPlan) each.next(), isChosenBelow);
            }
        }

        private void see(Expression expression) {
            if (expression instanceof Attribute) used.add(((Attribute) expression).exprId());
            if (expression instanceof OuterReference) see((Expression) ((OuterReference) expression).e());
            if (expression instanceof PlanExpression) see((LogicalPlan) ((PlanExpression) expression).plan(), false);
            for (Iterator each = expression.children().iterator(); each.hasNext();) see((Expression) each.next());
        }

        Object tables() {
            ListBuffer tables = new ListBuffer();
            for (int i = 0; i < aliases.size(); i++) {
                SubqueryAlias alias = (SubqueryAlias) aliases.get(i);
                ListBuffer columns = new ListBuffer();
                for (Iterator each = alias.output().iterator(); each.hasNext();) {
                    Attribute column = (Attribute) each.next();
                    if (wholes.contains(new Integer(i)) || used.contains(column.exprId())) {
                        columns.addOne(column.name());
                    }
                }
                ListBuffer pair = new ListBuffer();
                ListBuffer name = new ListBuffer();
                name.addAll(alias.identifier().qualifier());
                name.addOne(alias.identifier().name());
                pair.addOne(name.toList());
                pair.addOne(columns.toList());
                tables.addOne(pair.toList());
            }
            return tables.toList();
        }
    }

    private static final class Writing {
        /** Prints as a list of JSON does. */
        final ArrayList nodes = new ArrayList();
        private StringBuilder json = new StringBuilder();
        private final SessionState state;
        private final IdentityHashMap written = new IdentityHashMap();
        private boolean isOfQuery = true;

        Writing(SessionState state) {
            this.state = state;
        }

        void write(Object value) throws Exception {
            if (value instanceof Option) value = ((Option) value).isEmpty() ? null : ((Option) value).get();
            if (value == null || value instanceof Boolean || value instanceof Integer) json.append(value);
            else if (value instanceof TreeNode) writeNode((TreeNode) value);
            else if (value instanceof DataType) writeText(((DataType) value).catalogString());
            else if (value instanceof Map) writeMap(((Map) value).iterator());
            else if (value instanceof java.util.Map) writeJavaMap((java.util.Map) value);
            else if (value instanceof Iterable) writeList(((Iterable) value).iterator());
            else if (value instanceof Product) writeProduct((Product) value);
            else if (value instanceof CharSequence || value instanceof Number || value instanceof java.net.URI
                    || value instanceof Enum || value instanceof Character) writeText(value.toString());
            else writeOpaque(value);
        }

        private void writeNode(TreeNode node) throws Exception {
            written.put(node, node);
            json.append("{\"ref\":").append(nodes.size()).append('}');
            StringBuilder holder = json;
            json = new StringBuilder("{\"node\":");
            nodes.add(json);
            writeText(nameOf(node));
            if (node instanceof Literal) {
                json.append(",\"value\":");
                writeText(String.valueOf(((Literal) node).value()));
            } else {
                writePlace(node.origin());
                writeFields((Product) node);
                writeRest(node);
                writeKind(node);
                if (node instanceof CreateSQLFunctionCommand) writeBody((CreateSQLFunctionCommand) node);
            }
            json.append('}');
            json = holder;
        }

        private void writePlace(Origin origin) {
            if (!isOfQuery || origin.startIndex().isEmpty() || origin.stopIndex().isEmpty()) return;
            json.append(",\"at\":[").append(origin.startIndex().get()).append(',');
            json.append(origin.stopIndex().get()).append(']');
        }

        private void writeFields(Product product) throws Exception {
            for (int i = 0; i < product.productArity(); i++) {
                json.append(',');
                writeText(product.productElementName(i));
                json.append(':');
                write(product.productElement(i));
            }
        }

        /** Children that are no field of their node. */
        private void writeRest(TreeNode node) throws Exception {
            for (Iterator children = ((Seq) node.children()).iterator(); children.hasNext();) {
                Object child = children.next();
                if (!written.containsKey(child)) writeAside(child);
            }
        }

        /** Put a node into the list that no other holds. */
        private void writeAside(Object node) throws Exception {
            StringBuilder holder = json;
            json = new StringBuilder();
            write(node);
            json = holder;
        }

        /** Whose function a call means: Spark's own, the session's, the catalog's, or nobody's. */
        private void writeKind(TreeNode node) throws Exception {
            String type = node.getClass().getSimpleName();
            if (!type.equals("UnresolvedFunction") && !type.equals("UnresolvedTableValuedFunction")
                    && !type.equals("UnresolvedGenerator")) return;
            Object named = ((Product) node).productElement(0);
            FunctionIdentifier name = null;
            if (named instanceof FunctionIdentifier) name = (FunctionIdentifier) named;
            else if (((Seq) named).length() == 1) name = new FunctionIdentifier((String) ((Seq) named).head());
            json.append(",\"of\":");
            writeText(name == null || name.database().isDefined() ? "catalog" : kindOf(name));
        }

        private String kindOf(FunctionIdentifier name) throws Exception {
            if (FunctionRegistry$.MODULE$.builtin().functionExists(name)) return "spark";
            if (TableFunctionRegistry$.MODULE$.builtin().functionExists(name)) return "spark";
            if (state.functionRegistry().functionExists(name)) return "session";
            if (state.tableFunctionRegistry().functionExists(name)) return "session";
            return state.catalog().isPersistentFunction(name) ? "catalog" : "nobody";
        }

        /** What a function in SQL is made of, which its command holds as text. */
        private void writeBody(CreateSQLFunctionCommand command) throws Exception {
            isOfQuery = false;
            if (command.exprText().isDefined()) {
                writeAside(state.sqlParser().parseExpression((String) command.exprText().get()));
            }
            if (command.queryText().isDefined()) {
                writeAside(state.sqlParser().parsePlan((String) command.queryText().get()));
            }
            isOfQuery = true;
        }

        private void writeProduct(Product product) throws Exception {
            json.append("{\"class\":");
            writeText(nameOf(product));
            writeFields(product);
            json.append('}');
        }

        private void writeList(Iterator values) throws Exception {
            json.append('[');
            for (String comma = ""; values.hasNext(); comma = ",") {
                json.append(comma);
                write(values.next());
            }
            json.append(']');
        }

        /** A list of pairs, since a key may be anything. */
        private void writeMap(Iterator entries) throws Exception {
            json.append('[');
            for (String comma = ""; entries.hasNext(); comma = ",") {
                Product entry = (Product) entries.next();
                json.append(comma);
                writePair(entry.productElement(0), entry.productElement(1));
            }
            json.append(']');
        }

        private void writeJavaMap(java.util.Map map) throws Exception {
            json.append('[');
            String comma = "";
            for (java.util.Iterator entries = map.entrySet().iterator(); entries.hasNext(); comma = ",") {
                java.util.Map.Entry entry = (java.util.Map.Entry) entries.next();
                json.append(comma);
                writePair(entry.getKey(), entry.getValue());
            }
            json.append(']');
        }

        private void writePair(Object key, Object value) throws Exception {
            json.append('[');
            write(key);
            json.append(',');
            write(value);
            json.append(']');
        }

        private void writeOpaque(Object value) {
            json.append("{\"opaque\":");
            writeText(nameOf(value));
            json.append('}');
        }

        private static String nameOf(Object value) {
            String name = value.getClass().getName();
            return name.startsWith(SPARK) ? name.substring(SPARK.length()) : name;
        }

        private void writeText(String text) {
            json.append('"');
            for (int i = 0; i < text.length(); i++) {
                char each = text.charAt(i);
                if (each == '"' || each == '\\') json.append('\\').append(each);
                else if (each < ' ' || each > '~') json.append(String.format("\\u%04x", new Object[]{(int) each}));
                else json.append(each);
            }
            json.append('"');
        }
    }
}
