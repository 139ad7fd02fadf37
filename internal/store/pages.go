package store

import "slices"

// slot is where a row of a cached table stands. A row keeps its slot until it is deleted.
type slot uint32

// pageSlots bounds the rows of one page: a write copies a page.
const pageSlots = 32

// rowPages are the rows of a cached table, packed, in slotted pages: strings in which the collector has nothing to look for. As a
// slotSet it is copied by assignment, and a write never touches a part made under another edit. What is read are parts of a page's
// text, which never changes: a page that is written gets another.
type rowPages struct {
	pages []*rowPage
	free  []slot // deleted rows'; the next rows go there
	top   slot   // the first that no row has had
	owner *edit
}

type rowPage struct {
	text  string            // the rows, in the order of their slots
	ends  [pageSlots]uint32 // of the rows in text; where there is none, of the row before
	kept  []any             // the rows decoded, nil in a table that decodes them when they are read
	owner *edit
}

// edit owns the parts of a table that were made during one change, so that a change of many rows copies each part once.
type edit struct{ _ byte }

func (p *rowPage) bounds(i slot) (start, end uint32) {
	if i > 0 {
		start = p.ends[i-1]
	}
	return start, p.ends[i]
}

func (p *rowPages) get(s slot) cachedRow {
	page, i := p.pages[s/pageSlots], s%pageSlots
	start, end := page.bounds(i)
	r := cachedRow{packed: packed(page.text[start:end])}
	if page.kept != nil {
		r.kept = page.kept[i]
	}
	return r
}

// add gives a row a slot.
func (p *rowPages) add(e *edit, r cachedRow) slot {
	p.take(e)
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		p.set(e, s, r)
		return s
	}
	s := p.top
	if s%pageSlots == 0 {
		p.pages = append(p.pages, &rowPage{owner: e})
	}
	p.top++
	p.set(e, s, r)
	return s
}

func (p *rowPages) delete(e *edit, s slot) {
	p.set(e, s, cachedRow{})
	p.free = append(p.free, s)
}

// set puts a row in the place of the one that has the slot.
func (p *rowPages) set(e *edit, s slot, r cachedRow) {
	p.take(e)
	page, i := p.own(e, int(s/pageSlots)), s%pageSlots
	start, end := page.bounds(i)
	page.text = page.text[:start] + string(r.packed) + page.text[end:]
	longer := uint32(len(r.packed)) - (end - start) // modulo 2³², as the ends are
	for ; i < pageSlots; i++ {
		page.ends[i] += longer
	}
	if r.kept != nil && page.kept == nil {
		page.kept = make([]any, pageSlots)
	}
	if page.kept != nil {
		page.kept[s%pageSlots] = r.kept
	}
}

// take makes the lists the edit's own.
func (p *rowPages) take(e *edit) {
	if p.owner != e {
		p.pages, p.free, p.owner = slices.Clone(p.pages), slices.Clone(p.free), e
	}
}

// own makes a page the edit's own.
func (p *rowPages) own(e *edit, i int) *rowPage {
	page := p.pages[i]
	if page.owner != e {
		page = &rowPage{text: page.text, ends: page.ends, kept: slices.Clone(page.kept), owner: e}
		p.pages[i] = page
	}
	return page
}
