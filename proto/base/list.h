#pragma once
/*
 * Intrusive doubly linked ring. The head is a struct list of its own; an empty ring points to
 * itself. Removal leaves the item pointing to itself, so removing twice is harmless.
 */
#include <stdbool.h>

#include "base/cleanup.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

static inline void list_add_head(struct list *head, struct list *item)
{
	list_add_tail(head->next, item);
}

static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

#define list_item(ptr, type, member) container_of(ptr, type, member)

#define list_foreach(pos, head, member)                                                            \
	for (pos = list_item((head)->next, typeof(*(pos)), member); &(pos)->member != (head);      \
		pos = list_item((pos)->member.next, typeof(*(pos)), member))

/* The body may remove pos. */
#define list_foreach_safe(pos, tmp, head, member)                                                  \
	for (pos = list_item((head)->next, typeof(*(pos)), member),                                \
	    tmp = list_item((pos)->member.next, typeof(*(pos)), member);                           \
		&(pos)->member != (head);                                                          \
		pos = tmp, tmp = list_item((tmp)->member.next, typeof(*(tmp)), member))
