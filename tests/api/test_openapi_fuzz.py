from __future__ import annotations
import json, collections, os, atexit
from pathlib import Path
import pytest, schemathesis
from hypothesis import settings, HealthCheck
from schemathesis import openapi
DOC = json.loads((Path(__file__).parents[2]/"docs/openapi.json").read_text())
for p in DOC["paths"].values():
    for o in p.values():
        if isinstance(o, dict): o["responses"].pop("default", None)
schema = openapi.from_dict(DOC)
C = collections.Counter()
atexit.register(lambda: print(sorted(C.items(), key=str)))

@schema.parametrize()
@settings(max_examples=int(os.environ.get("N","50")), derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_x(case, client, app, relay, bearer):
    r = case.call(app=app, headers=bearer)
    C[case.operation.label, r.status_code, str(case.meta.phase.name)] += 1
    case.validate_response(r, headers=bearer, transport_kwargs={"app": app, "headers": bearer})
