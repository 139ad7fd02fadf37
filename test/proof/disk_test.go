package proof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// disk is what a folder's disk holds for certain at a moment, and what it may hold besides: everything since that no flush has
// covered. It takes promises at their letter: a flush covers what had been written to that file when it began, and nothing of any
// other file; a new name, a rename, a removal last once the folder itself has been flushed.
type disk struct {
	root string
	top  *inode
	open map[handle]*position
}

type handle struct{ process, fd int }

type position struct {
	file   *inode
	append bool
	offset int64
}

// inode is a file or a folder. size and entries are what the processes see, durable and names what the disk has for certain.
type inode struct {
	folder  bool
	size    int64
	entries map[string]*inode

	durable []byte
	names   map[string]*inode
	pending []change
}

// change is one change of a file, or of a folder's names, that no flush has covered.
type change struct {
	began, ended int
	// Of a file: bytes at an offset, or a new size.
	offset   int64
	data     []byte
	truncate bool
	// Of a folder: name now means child (nil: nothing), and gone means nothing any more.
	name, gone string
	child      *inode
}

func newInode(folder bool) *inode {
	n := &inode{folder: folder}
	if folder {
		n.entries, n.names = map[string]*inode{}, map[string]*inode{}
	}
	return n
}

// replay is the disk as it was before the given line of the trace.
func (r *recorder) replay(line int) (*disk, error) {
	d := &disk{root: r.root, top: newInode(true), open: map[handle]*position{}}
	for i := range r.calls {
		c := &r.calls[i]
		if c.began >= line {
			continue
		}
		if err := d.apply(c, line); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", c.began, c.name, err)
		}
	}
	return d, nil
}

// apply lets a call happen. One that was under way at the line may have had its effect, but a flush counts only when it is done.
func (d *disk) apply(c *systemCall, line int) error {
	switch c.name {
	case "open", "openat", "creat":
		return d.opened(c)
	case "write", "pwrite64":
		return d.written(c)
	case "ftruncate":
		p, err := d.at(c)
		if p == nil || err != nil {
			return err
		}
		size, err := strconv.ParseInt(c.arguments[1], 0, 64)
		p.file.resize(c, size)
		return err
	case "fsync", "fdatasync":
		p, err := d.at(c)
		if p != nil && c.ended < line {
			p.file.flush(c.began)
		}
		return err
	case "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir":
		return d.named(c)
	case "mmap":
		if strings.Contains(c.arguments[3], "MAP_SHARED") && strings.Contains(c.arguments[2], "PROT_WRITE") && !strings.Contains(c.arguments[4], hexText("-shm")) {
			return errors.New("a file is written through memory, which no trace shows")
		}
		return nil
	}
	return errors.New("what this call does to files is not known here")
}

// at is the open file that the first argument names; nil if it is not below the root.
func (d *disk) at(c *systemCall) (*position, error) {
	fd, path, err := descriptor(c.arguments[0])
	if err != nil || !d.below(path) {
		return nil, err
	}
	p := d.open[handle{c.process, fd}]
	if p == nil {
		return nil, fmt.Errorf("%s was never opened", path)
	}
	return p, nil
}

func (d *disk) below(path string) bool { return path == d.root || strings.HasPrefix(path, d.root+"/") }

// find is what a path means to the processes, and the folder it stands in.
func (d *disk) find(path string) (parent, n *inode, name string) {
	n = d.top
	rest, _ := filepath.Rel(d.root, path)
	if rest == "." {
		return nil, n, ""
	}
	for _, name = range strings.Split(rest, "/") {
		parent = n
		if n == nil || !n.folder {
			return nil, nil, name
		}
		n = n.entries[name]
	}
	return parent, n, name
}

func (d *disk) opened(c *systemCall) error {
	at, i := -1, 0
	if c.name == "openat" {
		at, i = 0, 1
	}
	path, err := c.pathArgument(at, i)
	if err != nil || !d.below(path) {
		return err
	}
	flags := "O_CREAT|O_TRUNC"
	if c.name != "creat" {
		flags = c.arguments[i+1]
	}
	parent, n, name := d.find(path)
	switch {
	case n == nil && parent != nil && strings.Contains(flags, "O_CREAT"):
		n = newInode(false)
		parent.rename(c, name, "", n)
	case n == nil:
		return fmt.Errorf("%s does not exist", path)
	case strings.Contains(flags, "O_TRUNC") && n.size > 0:
		n.resize(c, 0)
	}
	d.open[handle{c.process, int(c.result)}] = &position{file: n, append: strings.Contains(flags, "O_APPEND")}
	return nil
}

func (d *disk) written(c *systemCall) error {
	p, err := d.at(c)
	if p == nil || err != nil {
		return err
	}
	offset := p.offset
	switch {
	case c.name == "pwrite64":
		if offset, err = strconv.ParseInt(c.arguments[3], 0, 64); err != nil {
			return err
		}
	case p.append:
		offset = p.file.size
	}
	if c.name == "write" {
		p.offset = offset + int64(len(c.data))
	}
	p.file.size = max(p.file.size, offset+int64(len(c.data)))
	p.file.pending = append(p.file.pending, change{began: c.began, ended: c.ended, offset: offset, data: c.data})
	return nil
}

func (n *inode) resize(c *systemCall, size int64) {
	n.size = size
	n.pending = append(n.pending, change{began: c.began, ended: c.ended, offset: size, truncate: true})
}

// rename makes name mean child and gone nothing.
func (n *inode) rename(c *systemCall, name, gone string, child *inode) {
	ch := change{began: c.began, ended: c.ended, name: name, gone: gone, child: child}
	ch.applyNames(n.entries)
	n.pending = append(n.pending, ch)
}

func (c *change) applyNames(names map[string]*inode) {
	if c.gone != "" {
		delete(names, c.gone)
	}
	if c.child == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.child
	}
}

// named are the calls that change names.
func (d *disk) named(c *systemCall) error {
	at, i := -1, 0
	if strings.Contains(c.name, "at") {
		at, i = 0, 1
	}
	path, err := c.pathArgument(at, i)
	if err != nil || !d.below(path) {
		return err
	}
	parent, n, name := d.find(path)
	if parent == nil {
		return fmt.Errorf("%s has no folder", path)
	}
	switch c.name {
	case "mkdir", "mkdirat":
		parent.rename(c, name, "", newInode(true))
		return nil
	case "unlink", "unlinkat", "rmdir":
		parent.rename(c, name, "", nil)
		return nil
	}
	if at >= 0 {
		at = 2
	}
	to, err := c.pathArgument(at, 2*i+1)
	if err != nil {
		return err
	}
	toParent, _, toName := d.find(to)
	if n == nil || toParent != parent {
		return fmt.Errorf("%s to %s: only names within one folder are understood", path, to)
	}
	gone := name
	if strings.HasPrefix(c.name, "link") {
		gone = ""
	}
	parent.rename(c, toName, gone, n)
	return nil
}

// flush makes durable what had been done when the flush began.
func (n *inode) flush(began int) {
	rest := n.pending[:0]
	for _, c := range n.pending {
		switch {
		case c.ended >= began:
			rest = append(rest, c)
		case n.folder:
			c.applyNames(n.names)
		default:
			n.durable = c.applyData(n.durable, nil)
		}
	}
	n.pending = rest
}

const sector = 512

// applyData does the change to content, of a write only the sectors that keep says.
func (c *change) applyData(content []byte, keep func(sector int64) bool) []byte {
	if c.truncate {
		return resized(content, c.offset)
	}
	for from := c.offset; from < c.offset+int64(len(c.data)); {
		until := min((from/sector+1)*sector, c.offset+int64(len(c.data)))
		if keep == nil || keep(from/sector) {
			content = resized(content, max(until, int64(len(content))))
			copy(content[from:], c.data[from-c.offset:until-c.offset])
		}
		from = until
	}
	return content
}

func resized(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// fate says what becomes of one change that was not flushed; sector is -1 where it happens whole or not at all.
type fate func(n *inode, c *change, sector int64) bool

// write makes a folder of what is on the disk.
func (d *disk) write(folder string, kept fate) error { return d.top.write(folder, kept) }

func (n *inode) write(path string, kept fate) error {
	if !n.folder {
		return os.WriteFile(path, n.content(kept), 0o600)
	}
	names := map[string]*inode{}
	for name, child := range n.names {
		names[name] = child
	}
	for i := range n.pending {
		if c := &n.pending[i]; kept(n, c, -1) {
			c.applyNames(names)
		}
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted) // chance must come in one order
	for _, name := range sorted {
		if err := names[name].write(filepath.Join(path, name), kept); err != nil {
			return err
		}
	}
	return nil
}

func (n *inode) content(kept fate) []byte {
	content := slices.Clone(n.durable)
	for i := range n.pending {
		c := &n.pending[i]
		if c.truncate && !kept(n, c, -1) {
			continue
		}
		content = c.applyData(content, func(sector int64) bool { return kept(n, c, sector) })
	}
	return content
}
