package wire

import (
	"slices"
	"testing"
)

func TestNotes(t *testing.T) {
	json := func(n Notes) string {
		t.Helper()
		b, err := n.AppendJSON([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var n Notes
	if got := json(n); got != "before" {
		t.Errorf("none: %s", got)
	}
	for _, name := range []string{"m", "z", "a", "m"} {
		n.Text(name, name+"\"\xff")
	}
	n.Set("b", map[string]any{"y": true, "x": nil})
	before := slices.Clone(n)
	n.Text("b", "")
	n.Set("a", []string{})
	want := `before{"a":"a\"` + "\ufffd" + `","b":{"x":null,"y":true},"m":"m\"` + "\ufffd" + `","z":"z\"` + "\ufffd" + `"}`
	if got := json(before); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
	if got, want := json(n[:2]), `before{"a":[],"b":""}`; got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
	if n.Get("b") != "" || n.Get("z") != "z\"\xff" || n.Get("c") != nil || before.Get("b") == nil {
		t.Errorf("%v", n)
	}
	n.Set("f", func() {})
	if b, err := n.AppendJSON(nil); err == nil {
		t.Errorf("what is no JSON was written: %s", b)
	}
}
