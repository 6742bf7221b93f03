"""Functions put into a Spark session through its analyser: typed, named parameters around an expression.

A temporary SQL function would do for numbers, but Spark 4.0 refuses one in ``order by`` and
``explode``, and none can take a vector. So what the analyser asks for the expression of a call is
our own, ``TypedFunction.java``: it checks number, names and types before any Spark job starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from mlsql.errors import ScriptError
from mlsql.session import FunctionSignature, quoted
from mlsql.udf.predictors.folder import ModelFolder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CATALYST = "org.apache.spark.sql.catalyst"
_JAVA_UDF = "org.apache.spark.sql.api.java.UDF"
_SOURCES = ("MethodCall.java", "StoredModel.java", "TypedFunction.java")
"""Each may use those before it."""


class Functions:
    """The functions that the SQL of one Spark session can call."""

    def __init__(self, spark: SparkSession) -> None:
        self._gateway: Any = spark.sparkContext._gateway
        self._jvm: Any = spark._jvm
        self._session: Any = spark._jsparkSession
        self._state: Any = self._session.sessionState()

    def define(
        self,
        signature: FunctionSignature,
        body: Any,
        of_vector: Any = None,
        *,
        models: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Make a function callable; it replaces one of ours with its name, never one of Spark.

        *body* is an expression over the names of the parameters, or its text, which may call methods of
        *models*. Where a parameter is an ``array<double>``, a vector will do; *of_vector* is the body over
        a vector, of a function with this one parameter, where it is not to be made an array.
        """
        identifier = self.free_name(signature.name)
        builder = self._new_function(
            signature.name,
            str(signature),
            self._array(self._jvm.String, [each.name for each in signature.parameters]),
            self._array(self._jvm.String, [each.type for each in signature.parameters]),
            body,
            of_vector,
            self._map(models),
            self._internal("vector_to_array"),
        )
        info = self._class("expressions.ExpressionInfo")("mlsql", None, signature.name, str(signature), "")
        self._state.functionRegistry().registerFunction(identifier, info, builder)

    def free_name(self, name: str) -> Any:
        """The identifier of a function called *name*; an error when Spark has one."""
        identifier = self._class("FunctionIdentifier")(name)
        if self._registry("builtin").functionExists(identifier):
            raise ScriptError(f"'{name}' is a function of Spark", hint="choose another name")
        return identifier

    def forget(self, name: str) -> None:
        """Take a function of ours away."""
        self._state.functionRegistry().dropFunction(self._class("FunctionIdentifier")(name))

    def sql(self, text: str) -> Any:
        """The expression that *text* is, not analysed yet."""
        return self._state.sqlParser().parseExpression(text)

    def parameters(self, signature: FunctionSignature) -> list[Any]:
        """The parameters as expressions, in whose places the arguments of a call come."""
        return [self.sql(quoted(each.name)) for each in signature.parameters]

    def rows(self, signature: FunctionSignature) -> Any:
        """All rows of a group, each a struct of the parameters, as an expression."""
        fields = [f"'{number}', {quoted(each.name)}" for number, each in enumerate(signature.parameters)]
        return self.sql(f"collect_list(named_struct({', '.join(fields)}))")

    def call(self, name: str, *arguments: Any) -> Any:
        """A call of a function of Spark's own, as an expression."""
        identifier = self._class("FunctionIdentifier")(name)
        return self._registry("builtin").lookupFunction(identifier, self._list(arguments))

    def as_vector(self, array: Any) -> Any:
        """An expression that is an array of doubles, and not null, as a vector."""
        return self._internal("array_to_vector").apply(self._list([array]))

    def vector(self, struct: Any) -> Any:
        """A struct of type, size, indices and values as the vector that is stored so; null stays null."""
        nothing = self._list([])
        kind = self._jvm.org.apache.spark.ml.linalg.SQLDataTypes.VectorType()
        invoke = self._class("expressions.objects.Invoke")
        return invoke(struct, "copy", kind, nothing, nothing, True, True, True)

    def packed(self, array: Any, size: Any) -> Any:
        """The *size* doubles of an array without nulls as binary, in the machine's own order of bytes.

        Null stays null. Arrow and pandas carry one binary a row in a third of the time of one list.
        """
        types, nothing = self._jvm.org.apache.spark.sql.types, self._list([])
        invoke, static = (self._class(f"expressions.objects.{each}") for each in ("Invoke", "StaticInvoke"))
        of_class = self._jvm.java.lang.Class.forName
        doubles = types.ObjectType(of_class("[D"))
        numbers = invoke(array, "toDoubleArray", doubles, nothing, nothing, True, True, True)
        start = self.sql(f"{self._jvm.org.apache.spark.unsafe.Platform.DOUBLE_ARRAY_OFFSET}L")
        where = self._list([numbers, start, self.call("*", self.sql("8"), size)])
        # A text may lie anywhere in memory, and what it gives are its bytes as they are.
        text, kind = of_class("org.apache.spark.unsafe.types.UTF8String"), types.DataTypes.StringType
        no_function = self._jvm.scala.Option.empty()
        lying = static(text, kind, "fromAddress", where, nothing, True, True, True, no_function)
        return invoke(lying, "getBytes", types.DataTypes.BinaryType, nothing, nothing, True, True, True)

    def unpacked(self, binary: Any, *, of: Literal["double", "int"] = "double") -> Any:
        """The numbers of a binary, which lie in it in the machine's own order of bytes, as an array.

        Null stays null. What Python gives comes back as one binary a row in a sixth of the time of one list.
        """
        types, nothing = self._jvm.org.apache.spark.sql.types, self._list([])
        kind, places = (types.DataTypes.DoubleType, 3) if of == "double" else (types.DataTypes.IntegerType, 2)
        start = self.sql(str(self._jvm.org.apache.spark.unsafe.Platform.BYTE_ARRAY_OFFSET))
        count = self.call("shiftright", self.call("octet_length", binary), self.sql(str(places)))
        given = self._list([binary, start, count, self.sql(str(1 << places))])
        owner = self._jvm.java.lang.Class.forName(f"{_CATALYST}.expressions.UnsafeArrayData")
        array, no_function = types.ArrayType(kind, False), self._jvm.scala.Option.empty()
        static = self._class("expressions.objects.StaticInvoke")
        return static(owner, array, "fromPrimitiveArray", given, nothing, True, True, True, no_function)

    def part(self, struct: Any, place: int) -> Any:
        """The field of a struct that stands at a place."""
        return self._class("expressions.GetStructField")(struct, place, self._jvm.scala.Option.empty())

    def java_arguments(self, class_name: str) -> int:
        """How many arguments a class takes that is one of Spark's ``UDF0`` to ``UDF22``."""
        loader = self._jvm.Thread.currentThread().getContextClassLoader()
        found, interfaces = loader.loadClass(class_name), []
        while found is not None:
            interfaces += [each.getName() for each in found.getInterfaces()]
            found = found.getSuperclass()
        return next(int(each.removeprefix(_JAVA_UDF)) for each in interfaces if each.startswith(_JAVA_UDF))

    def vectorised(
        self, name: str, function: Callable[..., Any], output: str, arguments: Sequence[Any]
    ) -> Any:
        """A call of a Python function that takes and gives pandas series, as an expression."""
        return self._python(name, function, output, arguments, "SQL_SCALAR_PANDAS_UDF")

    def by_row(self, name: str, function: Callable[..., Any], output: str, arguments: Sequence[Any]) -> Any:
        """A call of a Python function that takes the values of one row, as an expression."""
        return self._python(name, function, output, arguments, "SQL_BATCHED_UDF")

    def _python(
        self, name: str, function: Callable[..., Any], output: str, arguments: Sequence[Any], kind: str
    ) -> Any:
        from pyspark.sql.udf import UserDefinedFunction
        from pyspark.util import PythonEvalType

        udf: Any = UserDefinedFunction(function, output, name=name, evalType=getattr(PythonEvalType, kind))
        return udf._judf.builder(self._list(arguments))

    def declared(self, declarations: str) -> Any:
        """Functions for any session of this Spark, made once; ``TypedFunction.Declared`` says from what."""
        arguments = self._array(self._jvm.Object, [declarations])
        return self._compiled("TypedFunction$Declared").newInstance(arguments)

    def define_all(self, declared: Any) -> None:
        """Make functions callable that :meth:`declared` made."""
        # Py4J would take the method of a class of this name that an earlier engine had compiled.
        (apply,) = (each for each in declared.getClass().getDeclaredMethods() if each.getName() == "apply")
        apply.invoke(declared, self._array(self._jvm.Object, [self._state.functionRegistry()]))

    def stored_model(self, folder: ModelFolder) -> Any:
        """The model that Spark ML has stored in *folder*, as :meth:`define` takes it; it is loaded later."""
        names, digests = (self._array(self._jvm.String, each) for each in zip(*folder.files, strict=True))
        arguments = [self._session, folder.path, names, digests]
        loader = self._constructor.getDeclaringClass().getClassLoader()
        constructor = loader.loadClass("StoredModel").getConstructors()[0]
        return constructor.newInstance(self._array(self._jvm.Object, arguments))

    def _compiled(self, name: str) -> Any:
        """The constructor of a class in TypedFunction.java, made by the compiler that Spark brings along."""
        loader = self._jvm.Thread.currentThread().getContextClassLoader()
        for each in _SOURCES:
            compiler = self._jvm.org.codehaus.janino.SimpleCompiler()
            compiler.setParentClassLoader(loader)
            compiler.cook(files("mlsql.udf").joinpath(each).read_text("utf-8"))
            loader = compiler.getClassLoader()
        return loader.loadClass(name).getConstructors()[0]

    @cached_property
    def _constructor(self) -> Any:
        """That of TypedFunction, which a session with our functions has already."""
        known = self._class("FunctionIdentifier")("vec_dense")
        builder = self._state.functionRegistry().lookupFunctionBuilder(known)
        if builder.isDefined():
            return builder.get().getClass().getConstructors()[0]
        return self._compiled("TypedFunction")

    def _new_function(self, *arguments: Any) -> Any:
        return self._constructor.newInstance(self._array(self._jvm.Object, arguments))

    def _internal(self, name: str) -> Any:
        identifier = self._class("FunctionIdentifier")(name)
        return self._registry("internal").lookupFunctionBuilder(identifier).get()

    def _registry(self, which: str) -> Any:
        return getattr(getattr(self._class("analysis.FunctionRegistry$"), "MODULE$"), which)()

    def _class(self, name: str) -> Any:
        return getattr(self._jvm, f"{_CATALYST}.{name}")

    def _list(self, values: Sequence[Any]) -> Any:
        buffer = self._jvm.scala.collection.mutable.ListBuffer()
        for each in values:
            buffer.append(each)
        return buffer.toList()

    def _map(self, values: Mapping[str, Any]) -> Any:
        made = self._jvm.java.util.HashMap()
        for name, value in values.items():
            made.put(name, value)
        return made

    def _array(self, of: Any, values: Sequence[Any]) -> Any:
        array = self._gateway.new_array(of, len(values))
        for index, value in enumerate(values):
            array[index] = value
        return array
