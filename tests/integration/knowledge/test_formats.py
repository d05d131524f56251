"""Every format of the one list is taken in, found and placed. Pictures: test_recognition."""

from email.message import EmailMessage

from appliance.knowledge.parsing.formats import FORMATS, PICTURES
from tests.factories import compound, files, office
from tests.integration.knowledge.office import Office


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"] = "Leave"
    message.set_content("Who asks for the quokka allowance writes a mail.")
    message.add_attachment("Part,Price\nwombat meter,9\n", subtype="csv", filename="prices.csv")
    return message.as_bytes()


BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": '<c xmlns="urn:c"><rootfiles><rootfile full-path="book.opf"/></rootfiles></c>',
    "book.opf": '<p xmlns="urn:o"><manifest><item id="a" href="a.html" media-type="text/html"/></manifest>'
    '<spine><itemref idref="a"/></spine></p>',
    "a.html": "<h1>Leave</h1><p>The echidna chapter.</p>",
}
SLIDE = "<draw:page><text:p>The brolga plan.</text:p></draw:page>"
TABLE = office.odf_table([["Part", "Price"], ["platypus valve", "9"]])
SAMPLES = {
    "a.md": (b"# Leave\n\nThe numbat rule.", "numbat"),
    "a.txt": ("考拉津贴须提前两周申请。".encode("gb18030"), "考拉津贴"),
    "b.txt": ("袋熊津貼須提前兩週申請。".encode("big5"), "袋熊津貼"),
    "a.html": (b"<h1>Leave</h1><p>The bilby rule.", "bilby"),
    "a.pdf": (files.pdf([("The dingo rule of this page.", 12, 50, 700)]), "dingo"),
    "a.docx": (files.word(files.paragraph("The emu rule.")), "emu"),
    "a.xlsx": (office.workbook({"Prices": [["Part", "Price"], ["galah pump", 9]]}), "galah pump"),
    "a.pptx": (office.presentation([{"title": "Plan", "box": "The kookaburra plan."}]), "kookaburra"),
    "a.odt": (office.opendocument("text", "<text:p>The taipan rule.</text:p>"), "taipan"),
    "a.ods": (office.opendocument("spreadsheet", TABLE), "platypus valve"),
    "a.odp": (
        office.opendocument("presentation", "<draw:page><text:p>The brolga plan.</text:p></draw:page>"),
        "brolga",
    ),
    "a.csv": (b"Part,Price\nquoll hose,9\n", "quoll hose"),
    "a.tsv": (b"Part\tPrice\npotoroo hose\t9\n", "potoroo hose"),
    "a.json": (b'{"part": "bandicoot hose"}', "bandicoot"),
    "a.jsonl": (b'{"part": "cassowary hose"}\n{"part": "b"}\n', "cassowary"),
    "a.eml": (mail(), "wombat meter"),
    "a.msg": (compound.msg({0x0037: "Leave", 0x1000: "The goanna allowance."}), "goanna"),
    "a.epub": (files.archived(BOOK), "echidna"),
    "a.zip": (files.archived({"one/two.md": "# Leave\n\nThe wallaby rule."}), "wallaby"),
}


def test_a_file_of_every_format_is_ready_and_found_at_its_place(office: Office) -> None:
    kinds = {office.ready(name, content).media_type for name, (content, _) in SAMPLES.items()}
    assert kinds == {one.media_type for one in FORMATS} - PICTURES
    for name, (_, question) in SAMPLES.items():
        passage = office.find(question).passages[0]
        text = office.text(passage.document)
        assert (passage.name, text[passage.start : passage.end]) == (name, passage.text)
    assert office.find("wombat meter").passages[0].headings == ("Leave", "prices.csv")
    assert office.find("wallaby").passages[0].headings[0] == "one/two.md"
