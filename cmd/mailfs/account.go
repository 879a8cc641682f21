package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"

	"mailfs/fs"
	"mailfs/mapi"
	"mailfs/syncer"
)

// account says how to reach one mailbox. It comes from the configuration file, from
// flags, or from both: a flag wins.
type account struct {
	Server          string `toml:"server"`
	User            string `toml:"user"`
	PasswordFile    string `toml:"password_file"`
	PasswordCommand string `toml:"password_command"`
	Replica         string `toml:"replica"`
	ReadOnly        bool   `toml:"read_only"`
	Keep            string `toml:"keep"`
	AllowPlaintext  bool   `toml:"allow_plaintext"`
	CAFile          string `toml:"ca_file"`
	// NoDownloadFor names programs whose open() never starts a download; nil stands for crawlers.
	NoDownloadFor []string `toml:"no_download_for"`
	// Since restricts folders, by their paths in the mount, to what was delivered on a day (YYYY-MM-DD) or later.
	Since map[string]string `toml:"since"`
	// CacheSize bounds the bodies that are here, such as 2G; empty for no bound.
	CacheSize string `toml:"cache_size"`
	// How macOS shows the mount.
	VolumeName string `toml:"volume_name"`
	VolumeIcon string `toml:"volume_icon"`
}

// crawlers are programs that open every file that they find: desktop search, thumbnails, and what looks into files for their
// type. They must not download a mailbox.
var crawlers = []string{
	"localsearch-3", "localsearch-extractor-3", "tracker-miner-fs-3", "tracker-extract-3", "tracker-miner-fs", "tracker-extract",
	"baloo_file", "baloo_file_extractor", "recollindex", "updatedb", "updatedb.plocate", "updatedb.mlocate",
	"tumblerd", "ffmpegthumbnailer", "gdk-pixbuf-thumbnailer", "gsf-office-thumbnailer", "evince-thumbnailer",
	"totem-video-thumbnailer", "file",
}

// config is the configuration file.
type config struct {
	Account map[string]account `toml:"account"`
}

// addFlags declares the flags that mount and sync share.
func (a *account) addFlags(f *pflag.FlagSet) {
	f.StringVar(&a.Server, "server", "", "base `URL` of the server; without it the server is found from the address")
	f.StringVar(&a.User, "user", "", "mail `ADDRESS` of the account")
	f.StringVar(&a.PasswordFile, "password-file", "", "`FILE` whose first line is the password")
	f.StringVar(&a.PasswordCommand, "password-command", "", "shell `COMMAND` that prints the password")
	f.StringVar(&a.Replica, "replica", "", "`DIR` of the local replica (default below $XDG_DATA_HOME/mailfs)")
	f.BoolVar(&a.ReadOnly, "read-only", false, "refuse every change")
	f.StringVar(&a.Keep, "keep", "", "which bodies to hold here, as a `POLICY`: all, headers, or an age such as 12m (default all)")
	f.StringVar(&a.CacheSize, "cache-size", "", "how much the bodies here may take, as a `SIZE` such as 500M or 2G; those not read for longest go first (default no bound)")
	f.BoolVar(&a.AllowPlaintext, "allow-plaintext", false, "permit http:// to a host that is not this one")
	f.StringVar(&a.CAFile, "ca-file", "", "`FILE` with further trusted certificates")
}

// resolve joins the named account of the configuration file with the flags that were given,
// fills in the defaults, and checks what can be checked without the network.
func (a *account) resolve(name string, flags *pflag.FlagSet) error {
	if name != "" {
		from, err := loadAccount(name)
		if err != nil {
			return err
		}
		a.inherit(from, flags)
	}
	if a.User == "" {
		return usagef("no account: give --user ADDRESS, or the name of an account in %s", configPath())
	}
	if a.Server != "" {
		if err := checkServer(a.Server, a.AllowPlaintext); err != nil {
			return err
		}
	} else if !strings.Contains(a.User, "@") {
		return usagef("%q is not a mail address, so the server can't be found from it: give --server URL", a.User)
	}
	if a.Keep == "" {
		a.Keep = "all"
	}
	if _, err := parseSize(a.CacheSize); err != nil {
		return usageError{err}
	}
	if a.NoDownloadFor == nil {
		a.NoDownloadFor = crawlers
	}
	if a.Replica == "" {
		a.Replica = filepath.Join(dataHome(), "mailfs", safeName(a.User))
	}
	return a.makeAbsolute()
}

// makeAbsolute frees the paths from the current directory, which a background mount leaves.
func (a *account) makeAbsolute() error {
	for _, p := range []*string{&a.Replica, &a.CAFile, &a.PasswordFile, &a.VolumeIcon} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}

// inherit takes from the configuration what no flag said.
func (a *account) inherit(from account, flags *pflag.FlagSet) {
	text := map[string][2]*string{
		"server": {&a.Server, &from.Server}, "user": {&a.User, &from.User}, "password-file": {&a.PasswordFile, &from.PasswordFile},
		"password-command": {&a.PasswordCommand, &from.PasswordCommand}, "replica": {&a.Replica, &from.Replica},
		"keep": {&a.Keep, &from.Keep}, "cache-size": {&a.CacheSize, &from.CacheSize}, "ca-file": {&a.CAFile, &from.CAFile},
	}
	for name, p := range text {
		if !flags.Changed(name) {
			*p[0] = *p[1]
		}
	}
	if !flags.Changed("read-only") {
		a.ReadOnly = from.ReadOnly
	}
	if !flags.Changed("allow-plaintext") {
		a.AllowPlaintext = from.AllowPlaintext
	}
	a.NoDownloadFor = from.NoDownloadFor
	a.Since = from.Since
	a.VolumeName, a.VolumeIcon = from.VolumeName, from.VolumeIcon
}

func loadAccount(name string) (account, error) {
	path := configPath()
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return account{}, usagef("there is no account %q: %s does not exist", name, path)
	}
	if err != nil {
		return account{}, err
	}
	defer file.Close()
	var c config
	if err := toml.NewDecoder(file).DisallowUnknownFields().Decode(&c); err != nil {
		return account{}, usagef("%s: %w", path, err)
	}
	a, ok := c.Account[name]
	if !ok {
		return account{}, usagef("%s has no account %q", path, name)
	}
	return a, nil
}

// restrictions returns what Since restricts folders to.
func (a *account) restrictions() (map[string]mapi.Restriction, error) {
	out := map[string]mapi.Restriction{}
	for path, day := range a.Since {
		t, err := time.ParseInLocation(time.DateOnly, day, time.Local)
		if err != nil {
			return nil, usagef("since: %q for the folder %s is no day such as 2026-01-31", day, path)
		}
		out[strings.Trim(path, "/")] = syncer.Since(t)
	}
	return out, nil
}

// checkServer refuses a URL that is none, and plain text to another machine.
func checkServer(server string, allowPlaintext bool) error {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usagef("--server must be a URL such as https://mail.example.org, not %q", server)
	}
	if u.User != nil {
		return usageError{errors.New("--server must not contain a password: use --user and --password-file")}
	}
	if u.Scheme == "http" && !allowPlaintext && !isLoopback(u.Hostname()) {
		return usagef("%s would send the password in plain text: use https://, or --allow-plaintext if you accept that", server)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func configPath() string {
	return filepath.Join(home("XDG_CONFIG_HOME", ".config"), "mailfs", "config.toml")
}

func dataHome() string { return home("XDG_DATA_HOME", ".local/share") }

func home(env, fallback string) string {
	if dir := os.Getenv(env); dir != "" {
		return dir
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		dir = "."
	}
	return filepath.Join(dir, fallback)
}

// safeName makes a directory name from an address.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == 0 || r == '\\' {
			return '_'
		}
		return r
	}, strings.TrimLeft(s, "."))
}

// checkMountpoint returns the absolute path of an existing empty directory.
func checkMountpoint(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// A mount whose process has died is taken away. Stat could be answered from a cache.
	if _, err := os.ReadDir(abs); errors.Is(err, syscall.ENOTCONN) {
		if err := fs.CheckMountPoint(abs); err != nil {
			return "", usageError{err}
		}
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", usagef("the mount point %s does not exist: make it with mkdir", abs)
	case err != nil:
		return "", usagef("the mount point can't be used: %w", err)
	case !info.IsDir():
		return "", usagef("the mount point %s is not a directory", abs)
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return "", usagef("the mount point can't be read: %w", err)
	}
	if len(entries) > 0 {
		return "", usagef("the mount point %s is not empty: it holds %s", abs, describe(len(entries)))
	}
	return filepath.EvalSymlinks(abs)
}

func describe(n int) string {
	if n == 1 {
		return "one entry"
	}
	return fmt.Sprintf("%d entries", n)
}
