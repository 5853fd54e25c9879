// Gradients, from the last result back to what it was computed from.

/**
 * The gradients of a number in some tensors; null for one that it does not depend on.
 *
 * `again`: they are to be differentiated themselves.
 */
function gradients(number, tensors, again = false) {
  const needed = leadingTo(number, new Set(tensors));
  const found = new Map([[number, filled(1, 1, 1)]]);
  remember(again, () => {
    for (const node of needed.reverse()) handBack(node, found, needed.members);
  });
  return tensors.map((tensor) => found.get(tensor) ?? null);
}

/** Add what a node's gradient gives its parents to what they have. */
function handBack(node, found, members) {
  const gradient = found.get(node);
  node.parents.forEach((parent, place) => {
    if (!members.has(parent)) return;
    const share = node.backs[place](gradient);
    found.set(parent, found.has(parent) ? add(found.get(parent), share) : share);
  });
}

/** What a result was computed from that leads to the targets, each after what it came from. */
function leadingTo(result, targets) {
  const order = [];
  const leads = new Map();
  const visit = (node) => {
    if (leads.has(node)) return leads.get(node);
    leads.set(node, false);
    const below = node.parents.filter((parent) => parent.wants).map(visit);
    const does = targets.has(node) || below.includes(true);
    leads.set(node, does);
    if (does) order.push(node);
    return does;
  };
  visit(result);
  order.members = new Set(order);
  return order;
}
