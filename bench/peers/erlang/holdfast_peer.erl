%% Why this exists: the workloads on Erlang/OTP: a gen_server for every actor, a supervisor for the
%% restarts, and beside it the least that restarts a process at all: a loop that traps exits.
%%
%%     erlc holdfast_peer.erl && erl +S 1:1 +P 2000000 -noshell -run holdfast_peer main <workload> <count>
%%
%% Prints one JSON line, as the peers on Node do.
-module(holdfast_peer).
-behaviour(gen_server).
-export([main/1, begin_fragile/1]).
-export([init/1, handle_call/3, handle_cast/2]).

-define(RING, 503).
-define(SENDERS, 100).
-define(BUSY_MS, 2000).
%% So often in one process, of which the median counts.
-define(TIMES, 3).

%% Actors

init({supervise, Driver}) ->
    Flags = #{strategy => one_for_one, intensity => 100000000, period => 1},
    {ok, {Flags, [#{id => fragile, start => {?MODULE, begin_fragile, [Driver]}}]}};
init({fragile, Driver} = State) ->
    Driver ! {up, self()},
    {ok, State};
init(State) ->
    {ok, State}.

begin_fragile(Driver) -> gen_server:start_link(?MODULE, {fragile, Driver}, []).

handle_call(read, _From, Count) -> {reply, Count, Count};
handle_call(next, _From, Count) -> {reply, Count + 1, Count + 1}.

handle_cast(add, Count) ->
    {noreply, Count + 1};
handle_cast({ask, From, N}, State) ->
    gen_server:cast(From, {answer, N}),
    {noreply, State};
handle_cast({answer, _N}, {client, _Server, Driver, 0}) ->
    Driver ! done,
    {noreply, idle};
handle_cast({answer, N}, {client, Server, Driver, Left}) ->
    gen_server:cast(Server, {ask, self(), N + 1}),
    {noreply, {client, Server, Driver, Left - 1}};
handle_cast({ball, 0, _From}, {player, Driver} = State) ->
    Driver ! done,
    {noreply, State};
handle_cast({ball, Left, From}, State) ->
    gen_server:cast(From, {ball, Left - 1, self()}),
    {noreply, State};
handle_cast({join, Next}, {link, _, Driver}) ->
    {noreply, {link, Next, Driver}};
handle_cast({hop, 0}, {link, _, Driver} = State) ->
    Driver ! done,
    {noreply, State};
handle_cast({hop, Left}, {link, Next, _} = State) ->
    gen_server:cast(Next, {hop, Left - 1}),
    {noreply, State};
handle_cast(go, {sender, To, Count} = State) ->
    add(To, Count),
    {noreply, State};
handle_cast(go, {node, Up, Number, 1}) ->
    tell(Up, Number),
    {stop, normal, done};
handle_cast(go, {node, Up, Number, Size}) ->
    Part = Size div 10,
    [gen_server:cast(start({node, self(), Number + I * Part, Part}), go) || I <- lists:seq(0, 9)],
    {noreply, {sum, Up, 10, 0}};
handle_cast({sum, Value}, {sum, Up, 1, Sum}) ->
    tell(Up, Sum + Value),
    {stop, normal, done};
handle_cast({sum, Value}, {sum, Up, Left, Sum}) ->
    {noreply, {sum, Up, Left - 1, Sum + Value}};
handle_cast(crash, _State) ->
    exit(boom);
handle_cast(turn, {busy, Until} = State) ->
    case erlang:monotonic_time(millisecond) < Until of
        true -> gen_server:cast(self(), turn);
        false -> ok
    end,
    {noreply, State}.

start(State) ->
    {ok, Pid} = gen_server:start(?MODULE, State, []),
    Pid.

add(_To, 0) -> ok;
add(To, Count) ->
    gen_server:cast(To, add),
    add(To, Count - 1).

next(_Pid, 0) -> ok;
next(Pid, Count) ->
    gen_server:call(Pid, next),
    next(Pid, Count - 1).

tell({driver, Driver}, Sum) -> Driver ! {sum, Sum};
tell(Up, Sum) -> gen_server:cast(Up, {sum, Sum}).

%% Workloads: each sets the scene, and answers what is timed.

set(cast, Count) ->
    Pid = start(0),
    fun() ->
        add(Pid, Count),
        Count = gen_server:call(Pid, read, infinity)
    end;
set(call, Count) ->
    Pid = start(0),
    fun() -> next(Pid, Count) end;
set(ask, Count) ->
    Client = start({client, start(server), self(), Count}),
    fun() ->
        gen_server:cast(Client, {answer, 0}),
        await(done)
    end;
set(pingpong, Count) ->
    [A, B] = [start({player, self()}) || _ <- [1, 2]],
    fun() ->
        gen_server:cast(A, {ball, Count, B}),
        await(done)
    end;
set(ring, Count) ->
    [First | Others] = Links = [start({link, none, self()}) || _ <- lists:seq(1, ?RING)],
    [gen_server:cast(Pid, {join, Next}) || {Pid, Next} <- lists:zip(Links, Others ++ [First])],
    fun() ->
        gen_server:cast(First, {hop, Count}),
        await(done)
    end;
set(fanin, Count) ->
    To = start(0),
    Senders = [start({sender, To, Count div ?SENDERS}) || _ <- lists:seq(1, ?SENDERS)],
    fun() ->
        [gen_server:cast(Pid, go) || Pid <- Senders],
        until(To, Count)
    end;
set(skynet, Count) ->
    Driver = self(),
    fun() ->
        gen_server:cast(start({node, {driver, Driver}, 0, Count}), go),
        receive {sum, Sum} -> Sum = Count * (Count - 1) div 2 end
    end;
set(restart, Count) ->
    Driver = self(),
    fun() ->
        {ok, Pid} = supervisor:start_link(?MODULE, {supervise, Driver}),
        crash(Count),
        unlink(Pid),
        exit(Pid, kill)
    end;
set(restart_loop, Count) ->
    Driver = self(),
    fun() ->
        spawn(fun() ->
            process_flag(trap_exit, true),
            {ok, _} = begin_fragile(Driver),
            again(Driver)
        end),
        crash(Count)
    end.

again(Driver) ->
    receive
        {'EXIT', _, _} ->
            {ok, _} = begin_fragile(Driver),
            again(Driver)
    end.

crash(0) -> receive {up, _} -> ok end;
crash(Left) ->
    receive {up, Pid} -> gen_server:cast(Pid, crash) end,
    crash(Left - 1).

until(To, Count) ->
    case gen_server:call(To, read, infinity) of
        Count -> ok;
        _ -> until(To, Count)
    end.

await(Message) -> receive Message -> ok end.

%% Measuring

main([Name, Text]) ->
    logger:set_primary_config(level, none),
    Workload = list_to_atom(Name),
    measure(Workload, list_to_integer(Text)),
    halt(0).

measure(spawn, Count) ->
    spawned(Count div 5),
    Times = lists:sort([spawned(Count) || _ <- lists:seq(1, ?TIMES)]),
    print(spawn, lists:nth(?TIMES div 2 + 1, Times));
measure(beside, Count) ->
    Busy = start({busy, erlang:monotonic_time(millisecond) + ?BUSY_MS}),
    Pid = start(0),
    gen_server:cast(Busy, turn),
    timer:sleep(20),
    Us = lists:sort([asked(Pid) || _ <- lists:seq(1, Count)]),
    At = fun(Part) -> lists:nth(1 + trunc((Count - 1) * Part), Us) end,
    print(beside, [{opsPerSecond, Count}, {p50Us, At(0.5)}, {p99Us, At(0.99)}]);
measure(Workload, Count) ->
    Least = case Workload of skynet -> 10000; _ -> max(1000, Count div 5000 * 1000) end,
    (set(Workload, Least))(),
    Times = lists:sort([again(Workload, Count) || _ <- lists:seq(1, ?TIMES)]),
    print(Workload, lists:nth(?TIMES div 2 + 1, Times)).

again(Workload, Count) ->
    Run = set(Workload, Count),
    erlang:garbage_collect(),
    {_, Figures} = timed(Run, Count),
    Figures.

spawned(Count) ->
    erlang:garbage_collect(),
    Before = erlang:memory(processes),
    {Pids, Figures} = timed(fun() -> [start(0) || _ <- lists:seq(1, Count)] end, Count),
    erlang:garbage_collect(),
    Bytes = (erlang:memory(processes) - Before) div length(Pids),
    [gen_server:stop(Pid) || Pid <- Pids],
    Figures ++ [{bytesPerActor, Bytes}].

asked(Pid) ->
    Began = erlang:monotonic_time(nanosecond),
    gen_server:call(Pid, next),
    (erlang:monotonic_time(nanosecond) - Began) / 1000.

timed(Run, Count) ->
    {Cpu, _} = statistics(runtime),
    Began = erlang:monotonic_time(nanosecond),
    Result = Run(),
    Ns = erlang:monotonic_time(nanosecond) - Began,
    {CpuAfter, _} = statistics(runtime),
    {Result, [
        {opsPerSecond, round(Count * 1.0e9 / Ns)},
        {cpuNsPerOp, round((CpuAfter - Cpu) * 1.0e6 / Count)}
    ]}.

print(Workload, Figures) ->
    Fields = [io_lib:format(",\"~s\":~p", [Name, number(Value)]) || {Name, Value} <- Figures],
    io:format("{\"peer\":\"otp\",\"workload\":\"~s\"~s}~n", [Workload, Fields]).

number(Value) when is_float(Value) -> round(Value * 10) / 10;
number(Value) -> Value.
