"""Networks: the float network, its calibration, the int8 network it becomes, and its ledger."""

from tinyq.network.network import Network
from tinyq.network.qnetwork import QNetwork

__all__ = ["Network", "QNetwork"]
