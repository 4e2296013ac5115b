import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { virtualenv } from '../../bench/virtualenv.js'

const run = promisify(execFile)

const REQUIREMENTS = ['openlineage-python==1.54.0']

/** Builds each event of the classes that OpenLineage's own client has, facets by the schemas that they name. */
const SCRIPT = `
import importlib, json, pkgutil, sys
import attr
import openlineage.client.generated as generated
from openlineage.client import event_v2 as v2
from openlineage.client.serde import Serde

CLASSES = {}
for module in pkgutil.iter_modules(generated.__path__):
    for one in vars(importlib.import_module("openlineage.client.generated." + module.name)).values():
        if isinstance(one, type) and attr.has(one) and hasattr(one, "_get_schema"):
            CLASSES[one._get_schema()] = one

NESTED = {"ParentRunFacet": "parent_run", "SchemaDatasetFacet": "schema_dataset"}

def made(facet):
    cls = CLASSES[facet["_schemaURL"]]
    values = {key: value for key, value in facet.items() if not key.startswith("_")}
    if cls.__name__ == "RunFacet":
        return {**facet}
    if cls.__name__ in NESTED:
        module = importlib.import_module("openlineage.client.generated." + NESTED[cls.__name__])
        if "fields" in values:
            values["fields"] = [module.SchemaDatasetFacetFields(**field) for field in values["fields"]]
        if "run" in values:
            values["run"] = module.Run(**values["run"])
            values["job"] = module.Job(**values["job"])
    one = cls(**values)
    one._producer = facet["_producer"]
    return one

def facets(of):
    return {key: made(facet) for key, facet in of.items()}

def event(given):
    run, job = given["run"], given["job"]
    return v2.RunEvent(
        eventType=v2.RunState(given["eventType"]),
        eventTime=given["eventTime"],
        producer=given["producer"],
        run=v2.Run(runId=run["runId"], facets=facets(run["facets"])),
        job=v2.Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"])),
        inputs=[v2.InputDataset(namespace=d["namespace"], name=d["name"], facets=facets(d["facets"]), inputFacets=facets(d["inputFacets"])) for d in given["inputs"]],
        outputs=[v2.OutputDataset(namespace=d["namespace"], name=d["name"], facets=facets(d["facets"]), outputFacets=facets(d["outputFacets"])) for d in given["outputs"]],
    )

print(json.dumps([json.loads(Serde.to_json(event(one))) for one in json.loads(sys.argv[1])]))
`

/**
 * Events as OpenLineage's Python client writes them, once it has made objects of ours: it refuses fields that its
 * specification does not have, and those that are missing.
 */
export async function throughOpenLineage(events: readonly object[]): Promise<unknown[]> {
  const python = await virtualenv('openlineage', REQUIREMENTS)
  const { stdout } = await run(python, ['-c', SCRIPT, JSON.stringify(events)], { maxBuffer: 64 << 20 })
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as unknown[]
}
