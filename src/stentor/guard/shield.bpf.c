/* What is dropped before the kernel's network stack sees it: the guard's XDP program.
 *
 * It drops beginnings of TCP connections from banned networks and beyond a pace, and what comes to
 * media ports beyond a pace or from where ICE has not validated. Whatever it does not understand
 * passes: the stack and the parts behind it have limits of their own. Every ban has its end in its
 * value, by the clock that bpf_ktime_get_ns reads (CLOCK_MONOTONIC).
 */

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BANS_MAX 32768
#define SOURCES_MAX 65536
#define VALIDATED_MAX 16384
#define NEVER_MAX 1024
#define TCP_PORTS_MAX 4
#define VLAN_TAGS_MAX 2
#define EXTENSIONS_MAX 4
#define STUN_COOKIE 0x2112A442
#define FRAGMENT_OFFSET 0x1FFF
#define STATE_LISTEN 10 /* TCP_LISTEN, include/net/tcp_states.h */

enum drop { BANNED, SYN, UDP, UNVALIDATED, DROPS };

struct prefix {
	__u32 bits;
	__u8 address[16]; /* IPv4 as ::ffff:a.b.c.d, so its prefixes are 96 longer */
};

struct place {
	__u8 address[16];
	__be16 port;
	__u16 unused;
};

struct rules {
	__u64 syn_ns; /* what one new connection costs of a source's time; 0: no limit */
	__u64 syn_burst_ns;
	__u64 udp_ns;
	__u64 udp_burst_ns;
	__u16 tcp_ports[TCP_PORTS_MAX]; /* the listeners' first; 0: none */
	__u16 media_first;
	__u16 media_last;
	__u32 validated_only;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rules);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROPS);
	__type(key, __u32);
	__type(value, __u64);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BANS_MAX);
	__type(key, struct prefix);
	__type(value, __u64); /* until when, ns */
} bans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, NEVER_MAX);
	__type(key, struct prefix);
	__type(value, __u64);
} never SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VALIDATED_MAX);
	__type(key, struct place);
	__type(value, __u64); /* until when, ns */
} validated SEC(".maps");

struct pace {
	__u8 source[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct pace);
	__type(value, __u64); /* GCRA: when all so far will have been earned back, ns */
} syn_paces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct pace);
	__type(value, __u64);
} udp_paces SEC(".maps");

static __always_inline int drop(__u32 why)
{
	__u64 *count = bpf_map_lookup_elem(&drops, &why);

	if (count)
		(*count)++;
	return XDP_DROP;
}

/* Say whether a source keeps its pace: a bucket of burst_ns that one packet takes cost_ns of.
 * Two CPUs may both find the same time and let one packet more through: no harm in that. */
static __always_inline int keeps_pace(void *map, const __u8 *address, __u64 cost_ns,
				      __u64 burst_ns, __u64 now)
{
	struct pace key;
	__u64 begun = now, *until;

	__builtin_memcpy(key.source, address, 16);
	if (!(address[0] == 0 && address[10] == 0xff && address[11] == 0xff))
		__builtin_memset(key.source + 8, 0, 8); /* IPv6: its /64 */
	until = bpf_map_lookup_elem(map, &key);
	if (until && *until > now)
		begun = *until;
	if (begun - now + cost_ns > burst_ns)
		return 0;
	begun += cost_ns;
	if (until)
		*until = begun;
	else
		bpf_map_update_elem(map, &key, &begun, BPF_ANY);
	return 1;
}

static __always_inline int is_banned(const __u8 *address, __u64 now)
{
	/* A trie tells its longest match only. One that has expired, and is not yet taken out,
	 * must not hide a wider one: shorter prefixes are asked for by themselves. */
	static const __u8 wider[] = { 128, 120, 64, 56, 48 };
	struct prefix key;
	__u64 *until;
	int i;

	__builtin_memcpy(key.address, address, 16);
	key.bits = 128;
	until = bpf_map_lookup_elem(&bans, &key);
	if (!until)
		return 0;
	if (*until > now)
		return 1;
#pragma unroll
	for (i = 1; i < (int)sizeof(wider); i++) {
		key.bits = wider[i];
		until = bpf_map_lookup_elem(&bans, &key);
		if (!until)
			return 0;
		if (*until > now)
			return 1;
	}
	return 0;
}

static __always_inline int is_never(const __u8 *address)
{
	struct prefix key;

	__builtin_memcpy(key.address, address, 16);
	key.bits = 128;
	return bpf_map_lookup_elem(&never, &key) != NULL;
}

static __always_inline int judge_tcp(void *at, void *end, const __u8 *source,
				     const struct rules *set)
{
	struct tcphdr *tcp = at;
	__u16 port;
	__u64 now;

	if ((void *)(tcp + 1) > end)
		return XDP_PASS;
	if (!tcp->syn || tcp->ack || tcp->rst || tcp->fin)
		return XDP_PASS; /* of a connection that is there already */
	port = bpf_ntohs(tcp->dest);
	if (port != set->tcp_ports[0] && port != set->tcp_ports[1] &&
	    port != set->tcp_ports[2] && port != set->tcp_ports[3])
		return XDP_PASS;
	if (is_never(source))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	if (port == set->tcp_ports[0] && is_banned(source, now))
		return drop(BANNED);
	if (set->syn_ns && !keeps_pace(&syn_paces, source, set->syn_ns, set->syn_burst_ns, now))
		return drop(SYN);
	return XDP_PASS;
}

static __always_inline int judge_udp(void *at, void *end, const __u8 *source,
				     const struct rules *set)
{
	struct udphdr *udp = at;
	struct place from = {};
	__u64 now, *until;
	__u32 *cookie;
	__u8 *kind;
	__u16 port;

	if ((void *)(udp + 1) > end)
		return XDP_PASS;
	port = bpf_ntohs(udp->dest);
	if (port < set->media_first || port > set->media_last)
		return XDP_PASS;
	if (!set->udp_ns && !set->validated_only)
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	__builtin_memcpy(from.address, source, 16);
	from.port = udp->source;
	until = bpf_map_lookup_elem(&validated, &from);
	if (until && *until > now)
		return XDP_PASS;
	if (is_never(source))
		return XDP_PASS;
	if (set->validated_only) {
		/* STUN alone has these first bits (RFC 7983) and this number (RFC 8489). */
		kind = (void *)(udp + 1);
		cookie = (void *)(kind + 4);
		if ((void *)(kind + 20) > end || (*kind & 0xfc) ||
		    *cookie != bpf_htonl(STUN_COOKIE))
			return drop(UNVALIDATED);
	}
	if (set->udp_ns && !keeps_pace(&udp_paces, source, set->udp_ns, set->udp_burst_ns, now))
		return drop(UDP);
	return XDP_PASS;
}

static __always_inline int judge(__u8 protocol, void *at, void *end, const __u8 *source)
{
	__u32 first = 0;
	struct rules *set = bpf_map_lookup_elem(&rules, &first);

	if (!set)
		return XDP_PASS;
	if (protocol == IPPROTO_TCP)
		return judge_tcp(at, end, source, set);
	if (protocol == IPPROTO_UDP)
		return judge_udp(at, end, source, set);
	return XDP_PASS;
}

static __always_inline int judge_ipv4(void *at, void *end)
{
	struct iphdr *ip = at;
	__u8 source[16] = { [10] = 0xff, [11] = 0xff };

	if ((void *)(ip + 1) > end || ip->ihl < 5)
		return XDP_PASS;
	if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
		return XDP_PASS; /* has no header of TCP or UDP; without its first it is nothing */
	__builtin_memcpy(source + 12, &ip->saddr, 4);
	return judge(ip->protocol, at + ip->ihl * 4, end, source);
}

static __always_inline int judge_ipv6(void *at, void *end)
{
	struct ipv6hdr *ip = at;
	__u8 source[16], protocol, *extension;
	int i;

	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	__builtin_memcpy(source, &ip->saddr, 16);
	protocol = ip->nexthdr;
	at = ip + 1;
#pragma unroll
	for (i = 0; i < EXTENSIONS_MAX; i++) {
		extension = at;
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
			break;
		if ((void *)(extension + 8) > end)
			return XDP_PASS;
		if (protocol == IPPROTO_FRAGMENT) {
			if (extension[2] || extension[3] & 0xf8)
				return XDP_PASS;
			at = extension + 8;
		} else if (protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
			   protocol == IPPROTO_DSTOPTS) {
			at = extension + (extension[1] + 1) * 8;
		} else {
			return XDP_PASS;
		}
		protocol = extension[0];
	}
	return judge(protocol, at, end, source);
}

SEC("xdp")
int shield(struct xdp_md *context)
{
	void *at = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	struct ethhdr *frame = at;
	__be16 kind;
	int i;

	if ((void *)(frame + 1) > end)
		return XDP_PASS;
	kind = frame->h_proto;
	at = frame + 1;
#pragma unroll
	for (i = 0; i < VLAN_TAGS_MAX; i++) {
		if (kind != bpf_htons(ETH_P_8021Q) && kind != bpf_htons(ETH_P_8021AD))
			break;
		if (at + 4 > end)
			return XDP_PASS;
		kind = *(__be16 *)(at + 2);
		at += 4;
	}
	if (kind == bpf_htons(ETH_P_IP))
		return judge_ipv4(at, end);
	if (kind == bpf_htons(ETH_P_IPV6))
		return judge_ipv6(at, end);
	return XDP_PASS;
}

char licence[] SEC("license") = "Apache-2.0";
