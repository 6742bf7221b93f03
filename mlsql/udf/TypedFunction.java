// Compiled by Janino, which ships inside Spark, and used in the driver alone: what it builds are
// Spark's own expressions, so executors never see it. Janino knows no type arguments of methods.

import org.apache.spark.ml.linalg.VectorUDT;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.SQLScalarFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedAttribute;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.expressions.*;
import org.apache.spark.sql.catalyst.plans.logical.FunctionSignature;
import org.apache.spark.sql.catalyst.plans.logical.InputParameter;
import org.apache.spark.sql.catalyst.plans.logical.NamedParametersSupport$;
import org.apache.spark.sql.catalyst.util.package$;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.NullType$;
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
 * it is converted, or stays what it is where there is a body for vectors.
 */
public final class TypedFunction implements Function1 {
    private final String name;
    private final String signature;
    private final String[] names;
    private final DataType[] types;
    private final Expression body;
    private final Expression vectorBody;
    private final Function1 vectorToArray;

    public TypedFunction(
            String name, String signature, String[] names, String[] types, Expression body, Expression vectorBody,
            Function1 vectorToArray) {
        this.name = name;
        this.signature = signature;
        this.names = names;
        this.types = new DataType[types.length];
        for (int i = 0; i < types.length; i++) this.types[i] = DataType.fromDDL(types[i]);
        this.body = body;
        this.vectorBody = vectorBody;
        this.vectorToArray = vectorToArray;
    }

    public Object apply(Object given) {
        Seq ordered = ordered((Seq) given);
        final java.util.Map arguments = new java.util.HashMap();
        for (int i = 0; i < names.length; i++) {
            arguments.put(names[i], typed((Expression) ordered.apply(i), names[i], types[i]));
        }
        Expression chosen = vectorBody != null && isVector((Expression) ordered.apply(0)) ? vectorBody : body;
        Expression call = (Expression) chosen.transformUp(new scala.runtime.AbstractPartialFunction() {
            public boolean isDefinedAt(Object node) {
                return node instanceof UnresolvedAttribute;
            }

            public Object applyOrElse(Object node, Function1 otherwise) {
                if (!isDefinedAt(node)) return otherwise.apply(node);
                return arguments.get(((UnresolvedAttribute) node).nameParts().head());
            }
        });
        return new SQLScalarFunction(shown(), pretty(ordered), call);
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

    private Expression typed(Expression argument, String parameter, DataType type) {
        DataType actual = argument.dataType();
        boolean doubles = type instanceof ArrayType && ((ArrayType) type).elementType() instanceof DoubleType;
        if (doubles && isVector(argument)) return vectorBody == null ? array(argument, type) : argument;
        if (!Cast$.MODULE$.canAnsiCast(actual, type)) {
            String expected = (doubles ? "vector or " : "") + type.simpleString();
            refuse("takes " + expected + " for " + parameter + ", not " + actual.simpleString());
        }
        return Cast$.MODULE$.apply(argument, type, true);
    }

    private static boolean isVector(Expression argument) {
        return argument.dataType() instanceof VectorUDT;
    }

    /** Spark's conversion fails on a null vector. */
    private Expression array(Expression vector, DataType type) {
        ListBuffer arguments = new ListBuffer();
        arguments.append(vector);
        arguments.append(Literal$.MODULE$.apply("float64"));
        Expression converted = (Expression) vectorToArray.apply(arguments.toList());
        return new If(new IsNull(vector), Literal$.MODULE$.create(null, type), converted);
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
