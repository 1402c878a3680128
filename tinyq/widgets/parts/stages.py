"""The tensors of a block as a table: what stands in for a widget's list where no script runs."""

from collections.abc import Mapping, Sequence

from tinyq.network import QNetwork

COLOURS = ("#0072b2", "#009e73", "#b57c00", "#d55e00", "#b85c92", "#6b7280")


def numbers_of(qnet: QNetwork) -> list[int]:
    """Return the number of each tensor's grid object, from 1 as they appear, "input" first.

    >>> from tinyq.widgets.data.subject import of_seed
    >>> seed = of_seed()
    >>> numbers_of(seed.net.quantize_on(seed.ranges, (16, 16, 3)))
    [1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 6]
    """
    numbers: dict[int, int] = {}
    return [numbers.setdefault(id(grid), len(numbers) + 1) for grid in qnet.grids.values()]


def stage_table(qnet: QNetwork, columns: Mapping[str, Sequence[object]]) -> str:
    """Return an HTML table, a row a tensor: its grid by colour and number, then the columns.

    columns: by title, an entry a tensor, "input" first.
    """
    heads = "".join(f"<th>{title}</th>" for title in ("", "tensor", "scale / zero_point", *columns))
    rows = []
    for i, (number, (name, grid)) in enumerate(
        zip(numbers_of(qnet), qnet.grids.items(), strict=True)
    ):
        cells = "".join(f"<td>{entries[i]}</td>" for entries in columns.values())
        colour = COLOURS[(number - 1) % len(COLOURS)]
        rows.append(
            f'<tr><td style="border-left:6px solid {colour}">{number}</td><td>{name}</td>'
            f"<td>{grid.scale:.5f} / {grid.zero_point}</td>{cells}</tr>"
        )
    return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"
