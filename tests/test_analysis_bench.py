"""analysis.bench: a row for each layer, with the bytes that the ledger books."""

from tinyq.analysis.bench import bench
from tinyq.models import resnet

SEED = resnet.seed()
QNET = resnet.stem_block(SEED.weights, SEED.biases).quantize(SEED.images)


def test_bench_counts_what_the_ledger_counts(capsys):
    rows = bench(QNET, SEED.images[:1], repeats=1)
    ledger = QNET.ledger()[1:]
    assert [row[:3] for row in rows] == [
        (row.name, row.weight_bytes, row.activation_bytes) for row in ledger
    ]
    assert all(row.ns > 0 for row in rows)
    progress = capsys.readouterr().err.splitlines()
    assert progress[-1] == f"[{len(ledger)}/{len(ledger)}] {ledger[-1].name}"
