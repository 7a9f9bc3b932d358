"""The small world the simulated orders are drawn from: partners, markets, materials, what people write."""

from __future__ import annotations

PARTNERS = ("acme", "globex", "initech", "novatek", "printhub")

MARKETS = (
    # currency, what one cubic centimetre of the cheapest material costs, decimals, where customers write from
    ("EUR", 0.42, 2, ("Berlin", "Lyon", "Tallinn", "Porto")),
    ("USD", 0.47, 2, ("Austin", "Denver", "Toronto")),
    ("RUB", 38.0, 2, ("Moscow", "Kazan", "Tomsk")),
    ("GBP", 0.37, 2, ("Leeds", "Bristol")),
    ("PLN", 1.85, 2, ("Gdansk", "Krakow")),
    ("JPY", 71.0, 0, ("Osaka", "Nagoya")),
)

MATERIALS = (
    # name, how much dearer than the cheapest
    ("PLA", 1.0),
    ("PETG", 1.2),
    ("ABS", 1.3),
    ("Nylon PA12", 2.4),
    ("Resin tough", 2.9),
    ("TPU 95A", 2.1),
    ("AlSi10Mg", 9.5),
    ("316L steel", 11.0),
)

FINISHES = ("raw", "bead blasted", "sanded", "dyed black", "primed", "polished")

PARTS = (
    "bracket", "housing", "gear-12t", "nozzle", "impeller", "hinge", "enclosure-lid", "drone-arm", "knob", "cable-clip",
    "manifold", "lens-mount", "фланец", "Gehäuse", "prothèse-v2",
)  # fmt: skip

FORMATS = ("stl", "step", "3mf", "obj")

NOTES = (
    "Customer asks for delivery before Friday.",
    "Wall of 0.6 mm at the flange: agreed to thicken it to 0.8 mm.",
    "Called, no answer. Will try again tomorrow.",
    "Клиент просит отправить чертёж вместе с заказом.",
    "Please pack each part on its own.",
    "Invoice goes to the parent company.",
    "Colour to match RAL 7016, sample sent.",
)

AUTHORS = ("ada", "grace", "linus", "вера", "olga")

CARRIERS = ("DHL", "UPS", "DPD", "CDEK", "Yamato")

MACHINES = ("EOS-P396-1", "EOS-P396-2", "MK4-07", "MK4-12", "Form4-3", "SLM280-1")

PRICE_FAILURES = (
    "the mesh is not closed: 14 open edges",
    "wall thinner than 0.4 mm",
    "the slicer gave up after 30 minutes",
    "part is larger than any machine's bed",
)

CANCELLATIONS = (
    "too expensive",
    "changed my mind",
    "ordered elsewhere",
    "the model was wrong",
    "no answer for 10 days",
)

REVISIONS = ("new model version uploaded", "quantity changed", "another material")

UNKNOWN_TYPES = ("order.viewed.v1", "order.invoice_printed.v1", "com.example.loyalty.points_granted.v1")
"""Types no release of Warren knows: they go into the timeline and change nothing."""
