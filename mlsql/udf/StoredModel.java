// Compiled by Janino, which ships inside Spark, and used in the driver alone: what it loads is one of Spark's own
// classes, which executors have. Janino knows no type arguments of methods.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.spark.SparkException;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.regression.GeneralizedLinearRegressionModel;
import org.apache.spark.sql.SparkSession;
import scala.collection.immutable.Map;
import scala.collection.immutable.Map$;

/** The last step of a pipeline that Spark ML has stored in a folder of this machine, loaded when it is first asked for. */
public final class StoredModel {
    private final SparkSession session;
    private final String folder;
    private final String[] files;
    private final String[] digests;
    private Transformer loaded;

    /** The files of the folder are given with their SHA-256. */
    public StoredModel(SparkSession session, String folder, String[] files, String[] digests) {
        this.session = session;
        this.folder = folder;
        this.files = files;
        this.digests = digests;
    }

    public synchronized Object get() throws Exception {
        if (loaded == null) {
            for (int i = 0; i < files.length; i++) check(Paths.get(folder, new String[] {files[i]}), digests[i]);
            loaded = read(Paths.get(folder, new String[0]).toUri().toString());
        }
        return loaded;
    }

    private static void check(Path file, String digest) throws Exception {
        try {
            byte[] content = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
            if (HexFormat.of().formatHex(content).equals(digest)) return;
        } catch (IOException error) {
            throw told("a part of the model cannot be read: " + file, error);
        }
        throw told(file + " is not what it was when its function was registered", null);
    }

    /** What is told as an error of the data. */
    private static Exception told(String sentence, Throwable cause) {
        Map parameters = (Map) Map$.MODULE$.empty().updated("errorMessage", sentence);
        return new SparkException("USER_RAISED_EXCEPTION", parameters, cause);
    }

    private Transformer read(String uri) {
        Transformer[] steps = ((PipelineModel) PipelineModel.read().session(session).load(uri)).stages();
        Transformer model = steps[steps.length - 1];
        if (model instanceof GeneralizedLinearRegressionModel) show((GeneralizedLinearRegressionModel) model);
        return model;
    }

    /** Plans show the model, which fails where its link was left to its family; as a default this link is never used. */
    private static void show(GeneralizedLinearRegressionModel model) {
        model.setDefault(model.link(), "identity");
    }
}
