package symbolon

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// makeFolder makes the folder and those above it, for their owner alone, so that they outlast a loss of power: a file that was
// flushed is gone if the name of its folder was not.
func makeFolder(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	parent := filepath.Dir(path)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			_ = flushFolder(parent) // of use where a start died before it came to that; else it may not even be ours to read
		}
		return err
	}
	if parent != path {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return flushFolder(parent)
}

// flushFolder makes the names in a folder durable.
func flushFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
