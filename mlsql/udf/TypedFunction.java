// Compiled by Janino, which ships inside Spark, and used in the driver alone: what it builds are
// Spark's own expressions, so executors never see it. Janino knows no type arguments of methods.

import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.VectorUDT;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry$;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistryBase;
import org.apache.spark.sql.catalyst.analysis.SQLScalarFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedAttribute;
import org.apache.spark.sql.catalyst.analysis.UnresolvedExtractValue;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.expressions.*;
import org.apache.spark.sql.catalyst.expressions.objects.Invoke;
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser$;
import org.apache.spark.sql.catalyst.plans.logical.FunctionSignature;
import org.apache.spark.sql.catalyst.plans.logical.InputParameter;
import org.apache.spark.sql.catalyst.plans.logical.NamedParametersSupport$;
import org.apache.spark.sql.catalyst.util.package$;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.NullType$;
import org.apache.spark.sql.types.UserDefinedType;
import org.apache.spark.unsafe.Platform;
import scala.Function1;
import scala.Option;
import scala.Some;
import scala.collection.immutable.Map;
import scala.collection.immutable.Map$;
import scala.collection.immutable.Seq;
import scala.collection.mutable.ListBuffer;

/**
 * Builds the expression of a call: the body with the arguments in the places of the parameters. They
 * are given by position or by name, and cast; where an array of doubles is asked for, a vector will do:
 * it is converted, or stays what it is where there is a body for vectors. A body may call methods of Java, as
 * {@code StatUtils.mean(v)}, those of stored models among them, and {@code holds_null(array)}.
 */
public final class TypedFunction implements Function1 {
    private static final Byte DENSE = new Byte((byte) 1);
    private static final DataType ARRAYS = DataType.fromDDL("array<array<double>>");
    private static final String TO_ARRAYS = "transform(vectors, each -> if(each is null, null, vector_to_array(each, 'float64')))";
    /** A search in vain is null where there are nulls, and faster than a lambda: one is for what it finds. */
    private static final String HOLDS_NULL = "case array_contains(doubles, double('-4.9e-324')) when false then false"
        + " else exists(doubles, each -> each is null) end";

    private final String name;
    private final String signature;
    private final String[] names;
    private final String[] types;
    private final Object body;
    private final Object vectorBody;
    private final java.util.Map models;
    private final Function1 vectorToArray;

    /** A body is an expression, or its text, which is parsed when it is called; models are stored ones by name. */
    public TypedFunction(
            String name, String signature, String[] names, String[] types, Object body, Object vectorBody,
            java.util.Map models, Function1 vectorToArray) {
        this.name = name;
        this.signature = signature;
        this.names = names;
        this.types = types;
        this.body = body;
        this.vectorBody = vectorBody;
        this.models = models;
        this.vectorToArray = vectorToArray;
    }

    /**
     * Puts functions into the registry of a session. They are declared one a line: name, signature, names and types
     * of the parameters, body, with tabs between; the name alone is that of a function which Spark keeps for itself.
     */
    public static final class Declared implements Function1 {
        private final java.util.List functions = new java.util.ArrayList();

        public Declared(String declarations) {
            FunctionRegistryBase internal = FunctionRegistry$.MODULE$.internal();
            Object vectorToArray = internal.lookupFunctionBuilder(new FunctionIdentifier("vector_to_array")).get();
            String[] lines = declarations.split("\n");
            for (int i = 0; i < lines.length; i++) {
                String[] fields = lines[i].split("\t", -1);
                FunctionIdentifier identifier = new FunctionIdentifier(fields[0]);
                if (fields.length == 1) {
                    Object info = internal.lookupFunction(identifier).get();
                    functions.add(new Object[] {identifier, info, internal.lookupFunctionBuilder(identifier).get()});
                    continue;
                }
                ExpressionInfo info = new ExpressionInfo("mlsql", null, fields[0], fields[1], "");
                functions.add(new Object[] {identifier, info, new TypedFunction(
                    fields[0], fields[1], fields[2].split(";"), fields[3].split(";"), fields[4], null,
                    java.util.Collections.EMPTY_MAP, (Function1) vectorToArray)});
            }
        }

        public Object apply(Object registry) {
            for (int i = 0; i < functions.size(); i++) {
                Object[] each = (Object[]) functions.get(i);
                ((FunctionRegistry) registry).registerFunction(
                    (FunctionIdentifier) each[0], (ExpressionInfo) each[1], (Function1) each[2]);
            }
            return registry;
        }
    }

    public Object apply(Object given) {
        Seq ordered = ordered((Seq) given);
        final java.util.Map arguments = new java.util.HashMap();
        for (int i = 0; i < names.length; i++) {
            arguments.put(names[i], typed((Expression) ordered.apply(i), names[i], type(types[i])));
        }
        boolean ofVector = vectorBody != null && isVector((Expression) ordered.apply(0));
        Expression call = replaced(expression(ofVector ? vectorBody : body), arguments);
        return new SQLScalarFunction(shown(), pretty(ordered), call);
    }

    private static Expression expression(Object body) {
        if (body instanceof Expression) return (Expression) body;
        Expression parsed = CatalystSqlParser$.MODULE$.parseExpression(((String) body).replaceFirst("^(vector|matrix):", ""));
        if (((String) body).startsWith("vector:")) return stored(parsed, SQLDataTypes.VectorType());
        if (((String) body).startsWith("matrix:")) return stored(parsed, SQLDataTypes.MatrixType());
        return new Coalesce(list(parsed));  // the optimizer unwraps no call that is the whole of another
    }

    /** What a struct is stored for: its copy is taken to be that. */
    private static Expression stored(Expression struct, DataType type) {
        Seq nothing = new ListBuffer().toList();
        return new Invoke(struct, "copy", type, nothing, nothing, true, true, true);
    }

    private static Seq list(Object only) {
        ListBuffer buffer = new ListBuffer();
        buffer.append(only);
        return buffer.toList();
    }

    /** The expression with the arguments in the places of their names, and methods in those of their calls. */
    private Expression replaced(Expression expression, final java.util.Map arguments) {
        return (Expression) expression.transformUp(new scala.runtime.AbstractPartialFunction() {
            public boolean isDefinedAt(Object node) {
                return arguments.containsKey(name(node)) || isMethod(node) || isSearch(node);
            }

            public Object applyOrElse(Object node, Function1 otherwise) {
                if (arguments.containsKey(name(node))) return part(arguments.get(name(node)), parts(node));
                if (isMethod(node)) return method((UnresolvedFunction) node);
                return isSearch(node) ? search((UnresolvedFunction) node) : otherwise.apply(node);
            }
        });
    }

    private boolean isMethod(Object node) {
        if (!(node instanceof UnresolvedFunction)) return false;
        Seq parts = ((UnresolvedFunction) node).nameParts();
        return parts.size() == 2 && (models.containsKey(parts.head()) || MethodCall.owner(parts.head()) != null);
    }

    private Expression method(UnresolvedFunction call) {
        Object owner = call.nameParts().head();
        String method = (String) call.nameParts().last();
        if (!models.containsKey(owner)) return MethodCall.of(MethodCall.owner(owner), method, call.arguments());
        try {
            return MethodCall.on(((StoredModel) models.get(owner)).get(), method, call.arguments());
        } catch (Exception error) {
            Platform.throwException(error);
            return null;
        }
    }

    private static boolean isSearch(Object node) {
        return node instanceof UnresolvedFunction && ((UnresolvedFunction) node).nameParts().last().equals("holds_null");
    }

    /** Whether there is a null in an array of doubles, which is known of most before. */
    private Expression search(UnresolvedFunction call) {
        Expression array = (Expression) call.arguments().head();
        DataType type = array.dataType();
        if (!((ArrayType) type).containsNull()) return Literal$.MODULE$.apply(Boolean.FALSE);
        Expression search = CatalystSqlParser$.MODULE$.parseExpression(HOLDS_NULL);
        return replaced(search, java.util.Collections.singletonMap("doubles", array));
    }

    /** The field of an argument that a name with dots asks for, also of what a vector is stored as; else the argument. */
    private static Object part(Object argument, Seq parts) {
        Expression found = (Expression) argument;
        if (parts.size() > 1 && found.resolved() && isVector(found)) found = new UnwrapUDT(found);
        for (int i = 1; i < parts.size(); i++) {
            found = new UnresolvedExtractValue(found, Literal$.MODULE$.apply(parts.apply(i)));
        }
        return found;
    }

    /** What may be the name of a parameter. */
    private static Object name(Object node) {
        Seq parts = parts(node);
        return parts == null ? null : parts.head();
    }

    /** The parts of a name; within a lambda Spark's parser takes every name for a variable's. */
    private static Seq parts(Object node) {
        if (node instanceof UnresolvedAttribute) return ((UnresolvedAttribute) node).nameParts();
        if (node instanceof UnresolvedNamedLambdaVariable) return ((UnresolvedNamedLambdaVariable) node).nameParts();
        return null;
    }

    /** The arguments in the order of the parameters. */
    private Seq ordered(Seq given) {
        if (given.size() != names.length) {
            refuse("takes " + names.length + (names.length == 1 ? " argument" : " arguments") + ", not " + given.size());
        }
        ListBuffer parameters = new ListBuffer();
        for (int i = 0; i < names.length; i++) parameters.append(new InputParameter(names[i], Option.empty()));
        FunctionSignature expected = new FunctionSignature(parameters.toList());
        return NamedParametersSupport$.MODULE$.defaultRearrange(expected, given, name);
    }

    /** {@code any}, {@code array<any>} and {@code matrix} are not cast to. */
    private static DataType type(String text) {
        if (text.equals("any")) return NullType$.MODULE$;
        if (text.equals("array<any>")) return new ArrayType(NullType$.MODULE$, true);
        if (text.equals("matrix")) return SQLDataTypes.MatrixType();
        return DataType.fromDDL(text);
    }

    private Expression typed(Expression argument, String parameter, DataType type) {
        DataType actual = argument.dataType();
        if (type instanceof NullType) return argument;
        if (type instanceof UserDefinedType) return unwrapped(argument, parameter, (UserDefinedType) type);
        if (type instanceof ArrayType && ((ArrayType) type).elementType() instanceof NullType) {
            if (!(actual instanceof ArrayType || actual instanceof NullType)) {
                refuse("takes an array for " + parameter + ", not " + actual.simpleString());
            }
            return actual instanceof NullType ? Cast$.MODULE$.apply(argument, type, true) : argument;
        }
        if (type.equals(ARRAYS) && actual instanceof ArrayType && ((ArrayType) actual).elementType() instanceof VectorUDT) {
            Expression arrays = CatalystSqlParser$.MODULE$.parseExpression(TO_ARRAYS);
            return replaced(arrays, java.util.Collections.singletonMap("vectors", argument));
        }
        boolean doubles = type instanceof ArrayType && ((ArrayType) type).elementType() instanceof DoubleType;
        if (doubles && isVector(argument)) return vectorBody == null ? array(argument) : argument;
        if (!Cast$.MODULE$.canAnsiCast(actual, type)) {
            String expected = (doubles ? "vector or " : "") + type.simpleString();
            refuse("takes " + expected + " for " + parameter + ", not " + actual.simpleString());
        }
        return Cast$.MODULE$.apply(argument, type, true);
    }

    private Expression unwrapped(Expression argument, String parameter, UserDefinedType type) {
        DataType actual = argument.dataType();
        if (actual.equals(type.sqlType())) return argument;
        if (actual instanceof NullType) return Literal$.MODULE$.create(null, type.sqlType());
        if (!actual.equals(type)) {
            refuse("takes a " + type.simpleString() + " for " + parameter + ", not " + actual.simpleString());
        }
        return new UnwrapUDT(argument);
    }

    private static boolean isVector(Expression argument) {
        return argument.dataType() instanceof VectorUDT;
    }

    /** The numbers of a dense vector as they are stored; Spark's conversion of others fails on a null vector. */
    private Expression array(Expression vector) {
        ListBuffer arguments = new ListBuffer();
        arguments.append(vector);
        arguments.append(Literal$.MODULE$.apply("float64"));
        Expression converted = (Expression) vectorToArray.apply(arguments.toList());
        Expression stored = new UnwrapUDT(vector);
        Expression isDense = new EqualTo(new GetStructField(stored, 0, Option.empty()), Literal$.MODULE$.apply(DENSE));
        Expression dense = new GetStructField(stored, 3, Option.empty());
        Expression nothing = Literal$.MODULE$.create(null, dense.dataType());
        return new If(new IsNull(vector), nothing, new If(isDense, dense, converted));
    }

    private void refuse(String sentence) {
        Map parameters = (Map) Map$.MODULE$.empty().updated("errorMessage", name + " " + sentence + ": " + signature);
        Platform.throwException(new AnalysisException("USER_RAISED_EXCEPTION", parameters));
    }

    /** What names the call in plans and columns; the optimizer takes it away. */
    private SQLFunction shown() {
        return new SQLFunction(
            new FunctionIdentifier(name), Option.empty(), new scala.util.Left(NullType$.MODULE$), new Some(signature),
            Option.empty(), Option.empty(), Option.empty(), Option.empty(), false, (Map) Map$.MODULE$.empty(),
            Option.empty(), 0L);
    }

    private static Seq pretty(Seq arguments) {
        ListBuffer pretty = new ListBuffer();
        for (int i = 0; i < arguments.size(); i++) {
            pretty.append(package$.MODULE$.usePrettyExpression((Expression) arguments.apply(i)));
        }
        return pretty.toList();
    }
}
