// Compiled by Janino, which ships inside Spark, and used in the driver alone.

import java.util.ArrayList;
import java.util.Base64;
import net.razorvine.pickle.Pickler;
import org.apache.spark.api.python.PythonRDD$;
import org.apache.spark.api.python.SerDeUtil;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeRow;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.execution.QueryExecution$;
import org.apache.spark.sql.execution.SQLExecution$;
import org.apache.spark.sql.execution.python.EvaluatePython$;
import org.apache.spark.sql.types.StructType;
import scala.Some;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction0;

/** Gives the first rows of a Dataset as its collectToPython does, without a socket where they are few. */
public final class FirstRows {
    private static final int FEW_BYTES = 1 << 18;

    /** The pickled rows in Base64; where they are more than a few, how a socket is found that serves them. */
    public Object of(Dataset frame, int limit) throws Exception {
        EvaluatePython$.MODULE$.registerPicklers();
        Dataset first = frame.limit(limit);
        StructType schema = first.schema();
        InternalRow[] rows = collected(first.queryExecution());
        ArrayList plain = new ArrayList(rows.length);
        long size = 0;
        for (int i = 0; i < rows.length; i++) {
            plain.add(EvaluatePython$.MODULE$.toJava(rows[i], schema));
            size += rows[i] instanceof UnsafeRow ? ((UnsafeRow) rows[i]).getSizeInBytes() : FEW_BYTES;
        }
        if (size <= FEW_BYTES) {
            return Base64.getEncoder().encodeToString(new Pickler(true, false).dumps(plain.toArray()));
        }
        return PythonRDD$.MODULE$.serveIterator(
            new SerDeUtil.AutoBatchedPickler(CollectionConverters.asScala(plain.iterator())), "serve-FirstRows");
    }

    /** The rows that a query gives, run and told of as every action of Spark is. */
    private static InternalRow[] collected(QueryExecution query) {
        return (InternalRow[]) SQLExecution$.MODULE$.withNewExecutionId(query, new Some("take"), new Guarded(query));
    }

    private static final class Guarded extends AbstractFunction0 {
        private final QueryExecution query;

        Guarded(QueryExecution query) {
            this.query = query;
        }

        public Object apply() {
            return QueryExecution$.MODULE$.withInternalError("The \"take\" action failed.", new Collecting(query));
        }
    }

    private static final class Collecting extends AbstractFunction0 {
        private final QueryExecution query;

        Collecting(QueryExecution query) {
            this.query = query;
        }

        public Object apply() {
            query.executedPlan().resetMetrics();
            return query.executedPlan().executeCollect();
        }
    }
}
