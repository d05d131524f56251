"""What libxml2 stumbles over without saying so: it recovers by leaving the rest of the document out."""

from lxml import etree

from appliance.knowledge.parsing.errors import Damaged, TooHungry


def check(parser: etree.HTMLParser | etree.XMLParser, *, where: str = "") -> None:
    """Raise where the tree is not the whole document: TooHungry for want of memory, Damaged where nested too deep."""
    for entry in parser.error_log:
        if entry.type == etree.ErrorTypes.ERR_NO_MEMORY or "memory" in entry.message.lower():
            raise TooHungry
        if "depth" in entry.message.lower():
            raise Damaged(f"{where} nested too deep".strip())
