"""A table of many rows, as an astronomer has of a survey, for the comparison of programs that show tables.

    python3 benches/peers/table.py survey.parquet [ROWS]

20 million rows take 1.3 GB: 17 columns of numbers, ids and short texts, row groups of 131,072, compressed with zstd. Needs numpy and pyarrow.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUP = 131_072


def group(first, rows, random):
    """The rows of one row group."""
    numbers = np.arange(first, first + rows, dtype=np.int64)
    # Scattered like DESI's target ids, and all different: 7368787 has no divisor in common with the modulus.
    targetid = 39_627_000_000_000_000 + (numbers * 7_368_787) % 1_000_000_007
    kind = random.choice(3, rows, p=[0.7, 0.2, 0.1])
    z = np.where(kind == 2, 0.001 * random.standard_normal(rows), random.gamma(2.0, np.where(kind == 1, 0.8, 0.25), rows))
    float32 = lambda values: values.astype(np.float32)
    return pa.table(
        {
            "targetid": targetid,
            "object_id": pa.array(np.char.mod("%d", targetid)),
            "survey": pa.array(np.array(["main", "sv1", "sv3"])[random.choice(3, rows, p=[0.9, 0.05, 0.05])]),
            "program": pa.array(np.array(["dark", "bright"])[random.integers(0, 2, rows)]),
            "ra": random.uniform(0, 360, rows),
            "dec": np.degrees(np.arcsin(random.uniform(-0.3, 0.99, rows))),
            "z": z,
            "zerr": np.abs(z) * 1e-4 * random.lognormal(0, 1, rows),
            "zwarn": np.where(random.random(rows) < 0.05, 1 << random.integers(1, 10, rows), 0),
            "spectype": pa.array(np.array(["GALAXY", "QSO", "STAR"])[kind]),
            "deltachi2": random.lognormal(5, 2, rows),
            "sn": float32(random.lognormal(0.5, 1, rows)),
            "exptime": float32(random.choice([180.0, 360.0, 720.0, 1080.0], rows)),
            "ebv": float32(random.lognormal(-3.5, 0.6, rows)),
            "flux_g": float32(random.lognormal(1, 1.5, rows)),
            "flux_r": float32(random.lognormal(1.4, 1.5, rows)),
            "flux_z": float32(random.lognormal(1.8, 1.5, rows)),
        }
    )


def main():
    path = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000_000
    random = np.random.default_rng(1)
    writer = None
    for first in range(0, rows, GROUP):
        part = group(first, min(GROUP, rows - first), random)
        # Texts that repeat as dictionaries; floats split by bytes pack better.
        writer = writer or pq.ParquetWriter(
            path, part.schema, compression="zstd", compression_level=1, use_dictionary=["survey", "program", "spectype", "zwarn", "exptime"]
        )
        writer.write_table(part, row_group_size=GROUP)
    writer.close()


main()
