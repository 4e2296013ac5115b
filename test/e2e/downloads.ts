/**
 * Loads what was downloaded from a model version with the official Python packages and compares.
 * Prints a JSON object; `argv[1]` is the directory with the files.
 */
export const COMPARE = `
import json, os, sys
import numpy, onnxruntime, pyarrow.parquet, xgboost
path = lambda name: os.path.join(sys.argv[1], name)
booster = xgboost.Booster(model_file=path('model.ubj'))
holdout = pyarrow.parquet.read_table(path('holdout.parquet'))
rows = numpy.column_stack([holdout[name].to_numpy() for name in booster.feature_names]).astype(numpy.float32)
engine = booster.predict(xgboost.DMatrix(rows, feature_names=booster.feature_names))
stored = pyarrow.parquet.read_table(path('predictions.parquet'))['prediction'].to_numpy()

# One thread adds the trees up in XGBoost's order; several differ in the last digits of a sum of 2,000 numbers.
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(path('model.onnx'), options)
onnx = session.run(None, {session.get_inputs()[0].name: rows})[0].ravel()

dataset = pyarrow.parquet.read_table(path('data.parquet'))
print(json.dumps({
    'rounds': booster.num_boosted_rounds(),
    'rows': len(rows),
    'bitEqual': bool((numpy.maximum(engine, numpy.float32(0)).astype(numpy.float64) == stored).all()),
    'distinct': len(numpy.unique(stored)),
    'onnxClose': bool(numpy.allclose(onnx, stored, rtol=1e-6, atol=0)),
    'datasetRows': dataset.num_rows,
    'datasetColumns': len(dataset.column_names),
    'sum': int(numpy.sum(dataset['cnt'].to_numpy())),
}))
`
