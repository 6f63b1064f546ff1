package config

import (
	"errors"
	"fmt"
	"net/mail"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"cutover/internal/notify"
	"cutover/internal/yamlfile"
)

// Notices is where notices go: a directory, or the channels of a file. It shows no secret when printed or marshalled.
type Notices struct {
	directory               string
	organizations, operator []noticeChannel
	secrets                 []string
}

// noticeChannel is a channel, or the directory of one that is made when it is opened.
type noticeChannel struct {
	name    string
	channel notify.Channel
	outbox  string
}

// String tells how many channels there are.
func (n Notices) String() string {
	if n.directory != "" {
		return "directory " + n.directory
	}
	return fmt.Sprintf("%d channels for organizations, %d for the operator", len(n.organizations), len(n.operator))
}

// GoString tells what String tells.
func (n Notices) GoString() string { return n.String() }

// Format writes what String tells, whatever the verb.
func (n Notices) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.String())) }

// Secrets are what no log may hold.
func (n Notices) Secrets() []string { return n.secrets }

// Open returns what delivers notices, and makes the directories it needs. A directory keeps its own receipts and needs none.
func (n Notices) Open(receipts notify.Receipts, now func() time.Time) (notify.Deliverer, error) {
	if n.directory != "" {
		return notify.New(n.directory, now)
	}
	organizations, organizationsErr := openChannels(n.organizations, now)
	operator, operatorErr := openChannels(n.operator, now)
	if err := errors.Join(organizationsErr, operatorErr); err != nil {
		return nil, err
	}
	return notify.NewNotifier(organizations, operator, receipts, now), nil
}

func openChannels(configured []noticeChannel, now func() time.Time) ([]notify.Channel, error) {
	channels := make([]notify.Channel, len(configured))
	var faults []error
	for i, c := range configured {
		channel := c.channel
		if c.outbox != "" {
			outbox, err := notify.New(c.outbox, now)
			if err != nil {
				faults = append(faults, fmt.Errorf("channel %s: %w", c.name, err))
				continue
			}
			channel = outbox
		}
		channels[i] = notify.Named(c.name, channel)
	}
	return channels, errors.Join(faults...)
}

type noticesFile struct {
	Organizations    []channelFile `yaml:"organizations"`
	Operator         []channelFile `yaml:"operator"`
	OperatorContacts []string      `yaml:"operator_contacts"`
}

type channelFile struct {
	Name    string       `yaml:"name"`
	Mail    *mailFile    `yaml:"mail"`
	Webhook *webhookFile `yaml:"webhook"`
	Chat    *chatFile    `yaml:"chat"`
	Outbox  *string      `yaml:"outbox"`
}

type mailFile struct {
	Host     string    `yaml:"host"`
	Port     int       `yaml:"port"`
	TLS      string    `yaml:"tls"`
	From     string    `yaml:"from"`
	Username string    `yaml:"username"`
	Password secretRef `yaml:"password"`
}

type webhookFile struct {
	URL    urlRef    `yaml:"url"`
	Secret secretRef `yaml:"secret"`
}

type chatFile struct {
	URL secretRef `yaml:"url"`
}

func (s secretRef) given() bool { return s != secretRef{} }

// urlRef is a URL written in place, or where it is if it holds a token.
type urlRef struct {
	plain string
	ref   secretRef
}

// UnmarshalYAML never fails, as that of secretRef.
func (u *urlRef) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		u.plain = node.Value
		return nil
	}
	return u.ref.UnmarshalYAML(node)
}

// ReadNotices reads where notices go. path is a directory, which is not looked at, or a channels file ending in .yaml or .yml; relative paths in
// the file are relative to it. getenv is os.Getenv outside of tests. All faults are reported at once, without any part of a secret.
func ReadNotices(path string, getenv func(string) string) (Notices, error) {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return Notices{directory: path}, nil
	}
	data, err := readFile(path)
	if err != nil {
		return Notices{}, fmt.Errorf("%s: %w", EnvNotices, err)
	}
	if isEmpty(data) {
		return Notices{}, emptyFault(path, "notices.example.yaml")
	}
	var raw noticesFile
	r := noticesReader{doc: yamlfile.Parse(path, data, &raw), dir: filepath.Dir(path), getenv: getenv}
	for i, contact := range raw.OperatorContacts {
		if address, err := mail.ParseAddress(contact); err != nil || address.Address != contact {
			r.doc.Fault(fmt.Sprintf("operator_contacts[%d]", i), "%q is not a plain e-mail address such as operations@acme.example", contact)
		}
	}
	notices := Notices{
		organizations: r.channels("organizations", raw.Organizations, nil),
		operator:      r.channels("operator", raw.Operator, raw.OperatorContacts),
	}
	if err := r.doc.Err(); err != nil {
		return Notices{}, withoutQuotes(err)
	}
	notices.secrets = r.secrets
	return notices, nil
}

// noticesReader goes through a channels file.
type noticesReader struct {
	doc     *yamlfile.Document
	dir     string
	getenv  func(string) string
	secrets []string
}

func (r *noticesReader) channels(list string, raw []channelFile, contacts []string) []noticeChannel {
	if len(raw) == 0 {
		r.doc.Fault(list, "is missing or empty: name at least one channel; outbox needs nothing but a directory")
	}
	var channels []noticeChannel
	lines := map[string]int{}
	for i, c := range raw {
		at := list + "[" + strconv.Itoa(i) + "]"
		channel, ok := r.channel(at, c, contacts)
		if !ok {
			continue
		}
		if line, twice := lines[channel.name]; twice {
			r.doc.Fault(at, "is called %s as that on line %d: give each a name of its own", channel.name, line)
		}
		lines[channel.name] = r.doc.Line(at)
		channels = append(channels, channel)
	}
	return channels
}

func (r *noticesReader) channel(at string, c channelFile, contacts []string) (noticeChannel, bool) {
	var kinds []string
	for kind, given := range map[string]bool{"mail": c.Mail != nil, "webhook": c.Webhook != nil, "chat": c.Chat != nil, "outbox": c.Outbox != nil} {
		if given {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 {
		r.doc.Fault(at, "must be one of mail, webhook, chat and outbox")
		return noticeChannel{}, false
	}
	result := noticeChannel{name: kinds[0]}
	if c.Name != "" {
		result.name = c.Name
		if !credentialName.MatchString(c.Name) {
			r.doc.Fault(at+".name", "must be a name of letters, digits, dots, dashes and underscores")
		}
	}
	at += "." + kinds[0]
	switch {
	case c.Mail != nil:
		result.channel = r.mail(at, *c.Mail, contacts)
	case c.Webhook != nil:
		result.channel = r.webhook(at, *c.Webhook)
	case c.Chat != nil:
		result.channel = r.chat(at, *c.Chat)
	default:
		result.outbox = *c.Outbox
		if strings.TrimSpace(result.outbox) == "" {
			r.doc.Fault(at, "must be a directory")
		} else if !filepath.IsAbs(result.outbox) {
			result.outbox = filepath.Join(r.dir, result.outbox)
		}
	}
	return result, true
}

func (r *noticesReader) mail(at string, c mailFile, contacts []string) notify.Channel {
	if contacts == nil && strings.HasPrefix(at, "operator") {
		r.doc.Fault("operator_contacts", "is missing: whom mail for the operator goes to")
	}
	unread := ""
	config := notify.MailConfig{Host: c.Host, Port: c.Port, TLS: c.TLS, From: c.From, Username: c.Username, Operators: contacts}
	if c.Username != "" || c.Password.given() {
		config.Password, unread = r.secret(at, "password", c.Password)
	}
	channel, err := notify.NewMail(config)
	r.faults(at, err, unread)
	return channel
}

func (r *noticesReader) webhook(at string, c webhookFile) notify.Channel {
	url, unread := notify.NewSecret(c.URL.plain), ""
	switch {
	case strings.Contains(c.URL.plain, "?"):
		r.doc.Fault(at+".url", "has parameters, which may be secret: "+secretForm)
		unread = "url"
	case c.URL.ref.given():
		url, unread = r.secret(at, "url", c.URL.ref)
	}
	secret, secretUnread := r.secret(at, "secret", c.Secret)
	channel, err := notify.NewWebhook(notify.WebhookConfig{URL: url, Secret: secret})
	r.faults(at, err, unread, secretUnread)
	return channel
}

func (r *noticesReader) chat(at string, c chatFile) notify.Channel {
	url, unread := r.secret(at, "url", c.URL)
	channel, err := notify.NewChat(notify.ChatConfig{URL: url})
	r.faults(at, err, unread)
	return channel
}

// secret reads what ref refers to. If it cannot, unread is the field.
func (r *noticesReader) secret(at, field string, ref secretRef) (secret notify.Secret, unread string) {
	value, err := ref.read(r.dir, r.getenv)
	if err != nil {
		r.doc.Fault(at+"."+field, "%v", err)
		return notify.Secret{}, field
	}
	r.secrets = append(r.secrets, value)
	return notify.NewSecret(value), ""
}

// faults reports what a channel finds wrong in its configuration, but for fields of which something was said already.
func (r *noticesReader) faults(at string, err error, said ...string) {
	wrong, _ := errors.AsType[notify.ConfigErrors](err)
	for _, one := range wrong {
		if !slices.Contains(said, one.Field) {
			r.doc.Fault(at+"."+one.Field, "%s", one.Text)
		}
	}
}
