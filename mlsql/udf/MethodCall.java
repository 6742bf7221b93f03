// Compiled by Janino, which ships inside Spark, and used in the driver alone: what it builds are
// Spark's own expressions, so executors never see it. Janino knows no type arguments of methods.

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.HashMap;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.util.MathArrays;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.linalg.VectorUDT;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.expressions.objects.Invoke;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.ObjectType;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.collection.mutable.ListBuffer;

/**
 * A call of a method of Java as an expression: no lambda of SQL, which Spark interprets for each number, comes near it.
 * The classes are those that Spark brings along to every executor; a method takes and gives doubles, ints, arrays of
 * doubles and vectors, and that of an object has it as its first argument.
 */
public final class MethodCall {
    private static final ObjectType DOUBLES = new ObjectType(double[].class);
    private static final Seq NOTHING = new ListBuffer().toList();
    private static final HashMap CLASSES = new HashMap();

    static {
        CLASSES.put("MathArrays", MathArrays.class);
        CLASSES.put("StatUtils", StatUtils.class);
        CLASSES.put("Vector", Vector.class);
        CLASSES.put("Vectors", Vectors.class);
    }

    private MethodCall() {}

    /** The class that bodies call so, else null. */
    public static Class owner(Object name) {
        return (Class) CLASSES.get(name);
    }

    /** The call of a method of a class. */
    public static Expression of(Class owner, String name, Seq arguments) {
        return call(owner, null, name, arguments);
    }

    /** The call of a method of an object, which travels to executors. */
    public static Expression on(Object object, String name, Seq arguments) {
        return call(object.getClass(), object, name, arguments);
    }

    private static Expression call(Class owner, Object object, String name, Seq arguments) {
        Method method = null;
        Method[] methods = owner.getMethods();
        for (int i = 0; i < methods.length; i++) {
            boolean isMeant = methods[i].getName().equals(name) && takes(methods[i], object, arguments.size());
            if (isMeant && (method == null || method.isBridge())) method = methods[i];
        }
        if (method == null) throw new IllegalArgumentException(owner.getName() + " has no such method: " + name);
        ListBuffer given = new ListBuffer();
        Expression target = object == null ? null : Literal$.MODULE$.fromObject(object);
        int first = 0;
        if (target == null && !isStatic(method)) target = converted((Expression) arguments.apply(first++), owner);
        for (int i = first; i < arguments.size(); i++) {
            given.append(converted((Expression) arguments.apply(i), method.getParameterTypes()[i - first]));
        }
        DataType type = type(method.getReturnType());
        return answer(isStatic(method)
            ? (Expression) new StaticInvoke(owner, type, name, given.toList(), NOTHING, true, true, true, Option.empty())
            : (Expression) new Invoke(target, name, type, given.toList(), NOTHING, true, true, true));
    }

    private static boolean isStatic(Method method) {
        return Modifier.isStatic(method.getModifiers());
    }

    private static boolean takes(Method method, Object object, int given) {
        Class[] types = method.getParameterTypes();
        for (int i = 0; i < types.length; i++) {
            // What a method of all kinds of models takes is erased to an object: it is a vector.
            if (types[i] != Object.class && type(types[i]) == null) return false;
        }
        return types.length + (object != null || isStatic(method) ? 0 : 1) == given;
    }

    private static DataType type(Class type) {
        if (type == double.class) return DataTypes.DoubleType;
        if (type == int.class) return DataTypes.IntegerType;
        if (type == double[].class) return DOUBLES;
        return Vector.class.isAssignableFrom(type) ? new ObjectType(Vector.class) : null;
    }

    private static Expression converted(Expression argument, Class type) {
        if (type == double.class || type == int.class) return argument;
        if (type == double[].class) return doubles(argument);
        if (isCall(argument, "serialize")) return (Expression) ((Invoke) argument).arguments().head();
        if (!argument.resolved() || !(argument.dataType() instanceof VectorUDT)) {
            return invoked(Vectors.class, new ObjectType(Vector.class), "dense", doubles(argument));
        }
        return ofVectors("deserialize", new ObjectType(Vector.class), argument);
    }

    private static Expression doubles(Expression array) {
        if (isAnswer(array)) return (Expression) ((StaticInvoke) array).arguments().head();
        return new Invoke(array, "toDoubleArray", DOUBLES, NOTHING, NOTHING, true, true, true);
    }

    private static Expression answer(Expression call) {
        if (!(call.dataType() instanceof ObjectType)) return call;
        if (!call.dataType().equals(DOUBLES)) return ofVectors("serialize", SQLDataTypes.VectorType(), call);
        return invoked(UnsafeArrayData.class, new ArrayType(DataTypes.DoubleType, false), "fromPrimitiveArray", call);
    }

    private static Expression ofVectors(String conversion, DataType type, Expression given) {
        Expression udt = Literal$.MODULE$.fromObject(SQLDataTypes.VectorType());
        return new Invoke(udt, conversion, type, list(given), NOTHING, true, true, true);
    }

    private static boolean isCall(Expression expression, String name) {
        return expression instanceof Invoke && ((Invoke) expression).functionName().equals(name);
    }

    /** Whether it is what {@link #answer} made of doubles. */
    private static boolean isAnswer(Expression array) {
        if (!(array instanceof StaticInvoke)) return false;
        StaticInvoke call = (StaticInvoke) array;
        return call.functionName().equals("fromPrimitiveArray") && call.arguments().size() == 1;
    }

    private static Expression invoked(Class owner, DataType type, String name, Expression argument) {
        return new StaticInvoke(owner, type, name, list(argument), NOTHING, true, true, true, Option.empty());
    }

    private static Seq list(Expression only) {
        ListBuffer buffer = new ListBuffer();
        buffer.append(only);
        return buffer.toList();
    }
}
