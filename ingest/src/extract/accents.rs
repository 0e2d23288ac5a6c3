//! Letters with accents from the marks that are written before them in TeX and roff.

/// For each mark the letters it stands on, each followed by what they make together.
const COMPOSED: [(char, &str); 14] = [
    ('\'', "aáeéiíoóuúyýAÁEÉIÍOÓUÚYÝcćCĆnńNŃsśSŚzźZŹlĺrŕ"),
    ('`', "aàeèiìoòuùAÀEÈIÌOÒUÙ"),
    ('^', "aâeêiîoôuûAÂEÊIÎOÔUÛcĉgĝhĥjĵsŝwŵyŷ"),
    ('"', "aäeëiïoöuüyÿAÄEËIÏOÖUÜYŸ"),
    ('~', "aãnñoõAÃNÑOÕiĩuũ"),
    ('=', "aāeēiīoōuūAĀEĒIĪOŌUŪ"),
    ('.', "cċeėgġzżCĊEĖGĠIİZŻ"),
    ('c', "cçsştţCÇSŞTŢgģkķlļnņrŗ"),
    ('v', "cčdďeěnňrřsštťzžCČDĎEĚNŇRŘSŠTŤZŽ"),
    ('H', "oőuűOŐUŰ"),
    ('u', "aăgğAĂGĞeĕiĭoŏuŭ"),
    ('r', "aåAÅuůUŮ"),
    ('k', "aąeęAĄEĘiįuų"),
    // How roff writes a diaeresis.
    (':', "aäeëiïoöuüyÿAÄEËIÏOÖUÜYŸ"),
];

/// The letter with the accent, if there is one.
pub(super) fn accented(accent: char, letter: char) -> Option<char> {
    // Letters without their dot, on which an accent is set.
    let letter = match letter {
        'ı' => 'i',
        'ȷ' => 'j',
        letter => letter,
    };
    let (_, pairs) = COMPOSED.iter().find(|(mark, _)| *mark == accent)?;
    let mut pairs = pairs.chars();
    while let (Some(base), Some(made)) = (pairs.next(), pairs.next()) {
        if base == letter {
            return Some(made);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_stand_on_letters() {
        for (accent, letter, made) in
            [('\'', 'e', 'é'), ('"', 'ı', 'ï'), ('v', 's', 'š'), ('c', 'C', 'Ç'), (':', 'u', 'ü')]
        {
            assert_eq!(accented(accent, letter), Some(made));
        }
        assert_eq!(accented('"', 'q'), None);
        assert_eq!(accented('x', 'a'), None);
        for (_, pairs) in COMPOSED {
            assert_eq!(pairs.chars().count() % 2, 0, "{pairs}");
        }
    }
}
