package symbolon

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

// indexList has every index that a program of ours ever made: its name, and the statement that made it.
const indexList = "testdata/indexes.txt"

// TestIndexesKeep: an index is never changed under its name, since programs of two versions work on one database and each goes by its own
// definition. A changed one gets a new name; the old name stays in the list, so that it is not given to another.
func TestIndexesKeep(t *testing.T) {
	definitions, _, err := store.Texts(store.Dialect{}, tables())
	fatal(t, err)
	text, err := os.ReadFile(indexList)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	known := listedIndexes(t, string(text))
	faults, added := newIndexes(known, definitions)
	for _, fault := range faults {
		t.Error(fault)
	}
	if len(added) == 0 {
		return
	}
	if flag.Lookup("update").Value.String() != "true" {
		t.Errorf("indexes that %s lacks: %q; run: go test -run TestIndexesKeep . -update", indexList, slices.Sorted(maps.Keys(added)))
		return
	}
	maps.Copy(known, added)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(known)) {
		fmt.Fprintf(&b, "%s\t%s\n", name, known[name])
	}
	fatal(t, os.WriteFile(indexList, []byte(b.String()), 0o644))
}

func TestIndexChangesAreSeen(t *testing.T) {
	known := map[string]string{"t_by_a": "CREATE INDEX t_by_a ON t (a)", "t_by_gone": "CREATE INDEX t_by_gone ON t (gone)"}
	faults, added := newIndexes(known, []string{"CREATE TABLE IF NOT EXISTS t (a)", "CREATE UNIQUE INDEX t_by_a ON t (a)", "CREATE UNIQUE INDEX t_by_b ON t (b)"})
	if len(faults) != 1 || !strings.Contains(faults[0], "t_by_a") {
		t.Errorf("a changed index: %q", faults)
	}
	if len(added) != 1 || added["t_by_b"] != "CREATE UNIQUE INDEX t_by_b ON t (b)" {
		t.Errorf("added: %v", added)
	}
}

// newIndexes are the indexes among the statements that are not known, and what is wrong with those that are.
func newIndexes(known map[string]string, statements []string) (faults []string, added map[string]string) {
	added = map[string]string{}
	for _, s := range statements {
		_, rest, ok := strings.Cut(s, "INDEX ")
		if !ok || !strings.HasPrefix(s, "CREATE ") {
			continue
		}
		name := strings.Fields(rest)[0]
		switch was, ok := known[name]; {
		case !ok:
			added[name] = s
		case was != s:
			faults = append(faults, fmt.Sprintf("index %s was %q and is now %q: give the changed one a new name", name, was, s))
		}
	}
	return faults, added
}

func listedIndexes(t *testing.T, text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		name, definition, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if _, twice := all[name]; !ok || twice {
			t.Fatalf("%s: line %q", indexList, line)
		}
		all[name] = definition
	}
	return all
}
