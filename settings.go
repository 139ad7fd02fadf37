package symbolon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// EnvironmentPrefix begins the environment variable of every setting: SYMBOLON_CONFIG_REFRESH_GRACE.
const EnvironmentPrefix = "SYMBOLON_CONFIG_"

// Settings are the names of all settings, in the order of Config's fields.
func Settings() []string {
	var names []string
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("config"); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// Set gives the setting called name the value written in text. Lists are separated by commas; an empty text unsets.
// Unknown names, malformed values and durations of zero where there must be some are errors that name the setting.
func (c *Config) Set(name, text string) error {
	return c.assign(name, func(field reflect.Value) error { return setField(field, text) })
}

// assign has set change the field of the setting called name.
func (c *Config) assign(name string, set func(field reflect.Value) error) error {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("config") == name && name != "-" {
			if err := set(reflect.ValueOf(c).Elem().Field(i)); err != nil {
				return fmt.Errorf("setting %s: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("there is no setting called %q", name)
}

func setField(field reflect.Value, text string) error {
	if text == "" {
		field.SetZero()
		return nil
	}
	switch value := field.Addr().Interface().(type) {
	case *string:
		*value = text
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*value = b
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is not a whole number from 1 on", text)
		}
		*value = n
	case *[]string:
		*value = nil
		for _, item := range strings.Split(text, ",") {
			*value = append(*value, strings.TrimSpace(item))
		}
	case *time.Duration:
		d, err := parseDuration(text)
		if err == nil && d == 0 {
			return fmt.Errorf("%q is not a duration above zero; leave the setting out for its default", text) // zero means unset here
		}
		*value = d
		return err
	case **time.Duration:
		d, err := parseDuration(text)
		*value = &d
		return err
	default:
		panic(fmt.Sprintf("symbolon: no rule for settings of type %s", field.Type()))
	}
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 30s or 8h", text)
	}
	return d, nil
}

// LoadConfig reads the settings from the file at path (YAML; none if empty), then from environment, in the form of os.Environ, then
// from flags by name. Unknown names in the file, and in the environment behind the prefix, are errors.
func LoadConfig(path string, environment []string, flags map[string]string) (Config, error) {
	var c Config
	if path != "" {
		if err := c.readFile(path); err != nil {
			return c, err
		}
	}
	var faults []error
	for _, entry := range environment {
		variable, value, _ := strings.Cut(entry, "=")
		if suffix, ok := strings.CutPrefix(variable, EnvironmentPrefix); ok {
			faults = append(faults, c.Set(strings.ReplaceAll(strings.ToLower(suffix), "_", "-"), value))
		}
	}
	for _, name := range Settings() {
		if value, ok := flags[name]; ok {
			faults = append(faults, c.Set(name, value))
		}
	}
	return c, errors.Join(faults...)
}

// readFile sets what the YAML file at path says: a map from setting to scalar, or to a list of scalars.
func (c *Config) readFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	values := map[string]any{}
	if err := readDocument(text, &values); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var faults []error
	for name, value := range values {
		if !slices.Contains(Settings(), name) {
			faults = append(faults, fmt.Errorf("%s: there is no setting called %q", path, name))
			continue
		}
		verbatim := name == "master-key-command" // arguments may be empty, or begin with a blank
		if err := c.assign(name, func(field reflect.Value) error { return setValue(field, value, verbatim) }); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
		}
	}
	return errors.Join(faults...)
}

// readDocument reads the one YAML document of a file into the value that target points to. Its errors say line and column, but do not show
// the lines around them, as the package would: there are passwords in such files.
func readDocument(text []byte, target any, options ...yaml.DecodeOption) error {
	d := yaml.NewDecoder(bytes.NewReader(text), options...)
	for first := true; ; first = false {
		err := d.Decode(target)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errors.New(yaml.FormatError(err, false, false))
		case !first:
			return errors.New("a second document begins behind ---; all must be in one")
		}
	}
}

// setValue gives a field the value that a YAML file has for it. Its errors do not show lists and maps.
func setValue(field reflect.Value, value any, verbatim bool) error {
	switch v := value.(type) {
	case nil:
		return setField(field, "")
	case string, bool, uint64, int64, float64:
		return setField(field, fmt.Sprint(v))
	case []any:
		list, ok := field.Addr().Interface().(*[]string)
		if !ok {
			return errors.New("it is one value, not a list")
		}
		*list = nil
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return errors.New("it is not a list of plain words; numbers among them need quotes")
			}
			if !verbatim {
				text = strings.TrimSpace(text)
			}
			if text != "" || verbatim {
				*list = append(*list, text)
			}
		}
		return nil
	}
	return errors.New("it is neither a plain value nor a list")
}
