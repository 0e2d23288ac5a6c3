"""The short texts of the goldens. Each is shorter than one window."""

TEXTS = {
    "word": "lighthouse",
    "query": "how long may a tenant keep the deposit",
    "sentence": "The ferry leaves at seven, unless the ice on the river has not yet gone.",
    "empty": "",
    "whitespace": " \t\r\n ",
    "punctuation": "…?! — «»",
    "accents": "Le café façade naïve: Ångström, Kraków, Zürich; "
    "de\u0301ja\u0300 vu in combining marks.",
    "chinese": "潮汐表は港の記録とともに保管された。港口的潮汐表每年春天重写一次。",
    "cyrillic": "Приливные таблицы хранились в архиве вместе с письмами.",
    "emoji": "Low tide at noon 🌊⛵ — bring boots 👩‍🌾!",
    "numbers": "Invoice 2024-0317: 3 × £1,204.50 = £3,613.50 (incl. 20 % VAT), "
    "due 17/04/2024, ref. §12(b).",
    "code": "fn median(values: &mut [f64]) -> Option<f64> {\n    values.sort_by(f64::total_cmp);\n"
    "    values.get(values.len() / 2).copied() // None when empty\n}\n",
    "control": "zero\u200bwidth, soft\u00adhyphen, nul\u0000inside "
    "and a byte order mark \ufeffhere",
    "longword": "a" * 140 + " is longer than the longest word the vocabulary is asked about",
    "repeated": "tide " * 500,
    "paragraph": (
        "A tide gauge is a patient instrument. It stands in a well beside the quay, joined to the "
        "sea by a pipe too narrow for waves to pass, and for as long as anyone will pay for its "
        "upkeep it writes down how high the water is. The earliest ones were a float, a wire and a "
        "pen; the clock that turned the paper had to be wound every Monday, and the notebooks are "
        "full of apologies for the Mondays on which nobody did. Later a pressure sensor took the "
        "place of the float, and a telephone line that of the notebook, but what is recorded has "
        "not changed: one number, at a known time, above a mark cut into stone. That mark is the "
        "difficult part. Stone sinks, quays are rebuilt, and a harbour that has been dredged no "
        "longer answers the moon as it did before. A series of two hundred years is therefore "
        "never simply read off. Someone must find out when the zero was moved and by how much, "
        "whether the summer time of 1917 was applied, and why for three weeks in one October the "
        "water seems to have stood perfectly still. Most of these puzzles end in a letter: a "
        "harbour master explains that the pipe had silted up, or that the boy who kept the record "
        "had gone to the herring. When they are solved, the series says something that no shorter "
        "one can. Beneath the twice-daily swing, beneath the storms and the eighteen-year wobble "
        "of the moon's path, there is a slope of a millimetre or two a year, and in the last few "
        "decades it has grown steeper. It is a small figure, smaller than the thickness of the pen "
        "line that the first gauge drew. It can be seen only because people who would never know "
        "what it was for went down to the quay, in the rain, and wound the clock."
    ),
}
