package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// TestPhrases: rows come back as they were, whatever they share, also beside others that are learnt from.
func TestPhrases(t *testing.T) {
	table := &sqlTable{def: &def{columns: []column{{kind: Text, key: true}, {kind: Text}, {kind: JSON}, {kind: Int}, {kind: Bytes}}}, number: 3}
	p := newPhrases()
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			for n := range 3000 {
				key := strings.Repeat(fmt.Sprint("key ", worker, n), 3)
				shared := strings.Repeat(fmt.Sprint("value ", rand.IntN(40)), rand.IntN(60))
				b := appendNumber(appendText(appendText(appendText(nil, key), shared), shared+"]"), rand.Int64())
				if b = appendNull(b); n%2 == 0 {
					b = appendBytes(b[:len(b)-1], []byte(shared))
				}
				short := p.shorten(nil, table, packed(b), uint64(n))
				if got := p.lengthen(table, short); got != packed(b) {
					t.Errorf("%q came back as %q", b, got)
					return
				}
			}
		})
	}
	workers.Wait()
	for n, text := range *p.texts.Load() {
		if p.numbers[text] != uint64(n) || len(text) < minPhrase || len(text) > maxPhrase || strings.HasPrefix(text, "key") {
			t.Errorf("phrase %d is %q", n, text)
		}
	}
}

// TestPhrasesLearn: a value becomes a phrase when another row has it, not when the same row is written again, and not without end.
func TestPhrasesLearn(t *testing.T) {
	table := &sqlTable{def: &def{columns: []column{{kind: Text}}}}
	p := newPhrases()
	size := func(v string, row uint64) int { return len(p.shorten(nil, table, packed(appendText(nil, v)), row)) }
	long := strings.Repeat("application ", 8)
	for range 3 {
		if n := size(long, 1); n < len(long) {
			t.Error("a row's own value is a phrase")
		}
	}
	for row := range uint64(3) {
		if n := size(long, 2+row); n > 2 {
			t.Errorf("a shared value takes %d bytes", n)
		}
	}
	for n := range maxPhrases + 100 {
		v := fmt.Sprint("another application ", n)
		size(v, 1)
		size(v, 2)
	}
	if n := len(*p.texts.Load()); n != maxPhrases || len(p.numbers) != n {
		t.Errorf("%d phrases, %d numbers", n, len(p.numbers))
	}
}
