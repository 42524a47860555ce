-- Who works at the desk that desk.sh measures.
CREATE ROLE team_a;
CREATE ROLE team_b;
CREATE ROLE author LOGIN;
CREATE ROLE reviewer LOGIN IN ROLE team_a, team_b;
