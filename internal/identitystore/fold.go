package identitystore

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold maps names that differ only in case to one spelling: the folding of user names, email addresses and group names,
// on writing and on lookup alike.
//
// It is Unicode simple case folding, rune by rune, without normalization, and with one exception: a letter outside ASCII
// never folds to one inside. By the standard the Kelvin sign folds to k and the long s to s, so that an outside party
// who can choose an address with such a letter would be taken for the user who has the plain one.
func fold(s string) string {
	return strings.Map(foldRune, s)
}

// foldRune is the smallest of the runes that r folds together with.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		if next >= utf8.RuneSelf && next < least {
			least = next
		}
	}
	return least
}
