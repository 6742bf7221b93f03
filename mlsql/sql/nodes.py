"""The nodes of a plan that are harmless as they are: they compute, and name nothing outside of the query.

They are classes of Spark's ``catalyst``, as far as its parser makes them: those that its analyser makes
never stand in a plan that is judged.
"""

from __future__ import annotations

from mlsql.names import words

ANALYSIS, EXPRESSIONS = "catalyst.analysis.", "catalyst.expressions."
LOGICAL = "catalyst.plans.logical."

_RELATIONAL = words(
    """
    Aggregate AlterColumnSpec Assignment DefaultValueExpression DeleteAction Distinct Except Filter
    Generate GlobalLimit InsertAction InsertStarAction Intersect Join LateralJoin LocalLimit
    LocalRelation Offset OneRowRelation OptionList Pivot Project RebalancePartitions Repartition
    RepartitionByExpression Sample Sort SubqueryAlias Union Unpivot UnresolvedHint UnresolvedWith
    UpdateAction UpdateStarAction WithWindowDefinition
    """
)
_UNRESOLVED = words(
    """
    CurrentNamespace$ GetColumnByOrdinal MultiAlias RelationTimeTravel UnresolvedAlias
    UnresolvedAttribute UnresolvedExtractValue UnresolvedFieldName UnresolvedFieldPosition
    UnresolvedFunctionName UnresolvedHaving UnresolvedInlineTable UnresolvedOrdinal
    UnresolvedPartitionSpec UnresolvedPipeAggregateOrdinal UnresolvedRegex UnresolvedStar
    UnresolvedStarExceptOrReplace UnresolvedSubqueryColumnAliases UnresolvedTVFAliases
    """
)
_SCALAR = words(
    """
    Add Alias And AttributeReference BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CaseWhen Cast Coalesce
    Collate Concat CreateNamedStruct Cube CurrentDate CurrentRow$ CurrentTimestamp CurrentUser Divide
    EqualNullSafe EqualTo Exists FunctionTableSubqueryArgumentExpression GreaterThan GreaterThanOrEqual
    GroupingSets ILike In InSubquery IntegralDivide IsNotNull IsNull LambdaFunction LateralSubquery
    LessThan LessThanOrEqual Like LikeAll LikeAny ListQuery Literal LocalTimestamp Lower Multiply
    NamePlaceholder$ NamedArgumentExpression Not NotLikeAll NotLikeAny Or Overlay PipeExpression
    PipeOperator RLike Remainder Rollup ScalarSubquery ShiftLeft ShiftRight ShiftRightUnsigned SortOrder
    SpecifiedWindowFrame StringLocate StringTrim StringTrimLeft StringTrimRight Substring Subtract
    TimestampAdd TimestampDiff UnaryMinus UnaryPositive UnboundedFollowing$ UnboundedPreceding$
    UnresolvedCollation UnresolvedNamedLambdaVariable UnresolvedWindowExpression UnspecifiedFrame$
    WindowExpression WindowSpecDefinition WindowSpecReference aggregate.AggregateExpression
    aggregate.AnyValue aggregate.First aggregate.Last
    """
)

PLAIN_NODES = frozenset(
    f"{package}{name}"
    for package, names in ((LOGICAL, _RELATIONAL), (ANALYSIS, _UNRESOLVED), (EXPRESSIONS, _SCALAR))
    for name in names
)
