"""A catalog of many spectra out of one of few: its rows again and again, under ids and places of their own.

    spectriage simulate c1000.parquet -n 1000 --mantissa-bits 8
    python3 benches/peers/repeat.py c1000.parquet c100000.parquet 100000

Row groups of 512 and zstd, as spectriage writes them, without its index of pages. Needs numpy and pyarrow.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def main():
    source, path, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    of = pq.read_table(source)
    random = np.random.default_rng(1)
    writer = pq.ParquetWriter(path, of.schema, compression="zstd", compression_level=1, write_page_index=True)
    for first in range(0, rows, of.num_rows):
        part = of.slice(0, min(of.num_rows, rows - first))
        copies = {
            "object_id": pa.array([str(10**12 + first + row) for row in range(part.num_rows)]),
            "targetid": pa.array(np.arange(first, first + part.num_rows) + 10**12),
            "ra": pa.array(random.uniform(0, 360, part.num_rows)),
            "dec": pa.array(np.degrees(np.arcsin(random.uniform(-1, 1, part.num_rows)))),
        }
        for name, values in copies.items():
            if name in part.schema.names:
                place = part.schema.get_field_index(name)
                field = part.schema.field(place)
                part = part.set_column(place, field, pc.cast(values, field.type))
        writer.write_table(part, row_group_size=512)
    writer.close()


main()
