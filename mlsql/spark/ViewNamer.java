// Compiled by Janino, which ships inside Spark, and used in the driver alone.

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.execution.command.ViewHelper$;
import scala.Option;
import scala.collection.immutable.Nil$;
import scala.runtime.AbstractFunction0;
import scala.runtime.AbstractFunction1;

/** Does what CREATE OR REPLACE TEMPORARY VIEW does for a Dataset, without running it as a query. */
public final class ViewNamer {
    /** Give the rows of a frame a name in its session; what was cached of a view of that name is let go. */
    public void name(Dataset frame, String name) {
        SparkSession session = (SparkSession) frame.sparkSession();
        // The catalog goes by the settings of the active session, as whether the case of letters counts.
        session.withActive(new Naming(session, frame.logicalPlan(), name));
    }

    private static final class Naming extends AbstractFunction0 {
        private final SparkSession session;
        private final LogicalPlan plan;
        private final String name;

        Naming(SparkSession session, LogicalPlan plan, String name) {
            this.session = session;
            this.plan = plan;
            this.name = name;
        }

        public Object apply() {
            SessionCatalog catalog = session.sessionState().catalog();
            catalog.createTempView(name, ViewHelper$.MODULE$.createTemporaryViewRelation(
                new TableIdentifier(name), session, true, new Views(catalog),
                Option.empty(), plan, plan, Nil$.MODULE$, Option.empty()), true);
            return null;
        }
    }

    private static final class Views extends AbstractFunction1 {
        private final SessionCatalog catalog;

        Views(SessionCatalog catalog) {
            this.catalog = catalog;
        }

        public Object apply(Object name) {
            return catalog.getRawTempView((String) name);
        }
    }
}
