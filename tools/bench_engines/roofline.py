"""The roofline: what the machine's GEMMs and its memory allow, and where the networks stand."""

from collections.abc import Mapping, Sequence

from tools.bench_engines import report
from tools.bench_engines.cases import CASES
from tools.bench_engines.measure import Team, digits, half_way, quartiles
from tools.bench_engines.rates import Block, Product
from tools.bench_engines.runners import BLAS, COPY, INTEGER

ROUNDS = 5
PRODUCTS = (Product(1024, 1024, 1024), Product(56 * 56, 3 * 3 * 64, 64))
BLOCK = Block(256 * 2**20)


def roofline(networks: Sequence[Mapping], rounds: int, end: float) -> tuple[dict, dict[str, str]]:
    """Return rates, copy and networks as the record holds them, and what is missing.

    networks: of the record; end: when to stop.
    """
    report.say("\nWhat the machine can do")
    known = {row["network"]: row for row in networks}
    rounds = min(rounds, ROUNDS)
    with Team((BLAS, INTEGER), PRODUCTS, half_way(end)) as products:
        rates = [
            multiplied(kernel, size, times)
            for place, size in enumerate(PRODUCTS)
            for kernel, times in products.times(place, rounds)
        ]
    with Team((COPY,), (BLOCK,), half_way(end)) as memory:
        copies = [copied(times) for _, times in memory.times(0, rounds)]
    limits = {
        "rates": rates,
        "copy": copies,
        "networks": [intensity(known[network], batch) for network, batch in CASES],
    }
    return limits, products.missing | memory.missing


def multiplied(kernel: str, size: Product, times: Sequence[float]) -> dict:
    """Return the row of a product, in GMAC a second, and print it."""
    rate = digits(size.m * size.k * size.n / quartiles(times)["us"] / 1e3)
    report.say(f"  {kernel:12} {size.m}x{size.k}x{size.n}: {rate:g} GMAC/s")
    return {"kernel": kernel, "product": [size.m, size.k, size.n], "gmac_per_s": rate}


def copied(times: Sequence[float]) -> dict:
    """Return the row of a copy, in bytes moved a second, read and written, and print it."""
    rate = digits(2 * BLOCK.bytes / quartiles(times)["us"] / 1e3)
    report.say(f"  a copy: {rate:g} GB/s")
    return {"gb_per_s": rate}


def intensity(network: Mapping, batch: int) -> dict:
    """Return how many products a call has for each byte that must move; network: of the record."""
    mac = network["mac"] * batch
    moved = network["weight_bytes"] + network["moved_bytes"] * batch
    return {
        "network": network["network"],
        "batch": batch,
        "mac": mac,
        "bytes": moved,
        "mac_per_byte": digits(mac / moved),
    }
